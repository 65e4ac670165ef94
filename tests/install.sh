#!/bin/sh
# Installs bin/ and everything beside it:
#   tests/install.sh DESTDIR PREFIX SYSCONFDIR LOCALSTATEDIR
# Settings of the administrator stay: a file in SYSCONFDIR that is there and
# differs is left alone, and ours is put beside it as FILE.new.
set -eu
umask 022 # containers with an id map have to get through
cd "$(dirname "$0")/.."
dest=$1 prefix=$2 sysconf=$3 state=$4

put() { # MODE FILE TARGET: installs under a new name and renames, so that a running program keeps its file
	install -D -m "$1" "$2" "$3.gantry-new"
	mv -f "$3.gantry-new" "$3"
}

setting() { # FILE TARGET: unlike put, leaves what the administrator has changed
	if [ ! -e "$2" ]; then
		put 644 "$1" "$2"
	elif ! cmp -s "$1" "$2"; then
		put 644 "$1" "$2.new"
		echo "$2 is there already and differs: ours is $2.new" >&2
	fi
}

each() { # COMMAND DIRECTORY TARGET: COMMAND for every file
	(cd "$2" && find . -type f) | sed 's,^\./,,' | sort | while read -r file; do
		"$1" "$2/$file" "$3/$file"
	done
}

data() { # FILE TARGET: scripts stay executable
	mode=644
	[ ! -x "$1" ] || mode=755
	put $mode "$1" "$2"
}

filled=$(mktemp -d)
trap 'rm -rf "$filled"' EXIT
for part in config lxc default systemd; do
	etc/fill $part "$filled/$part" "$prefix/share/lxc/config" "$prefix/share/lxc/hooks" "$sysconf" "$state" "$prefix/libexec/lxc"
done

libexec=' lxc-shim lxc-stage lxc-net '
for source in cmd/*; do # not what an older build has left in bin
	name=$(basename "$source")
	case $libexec in
	*" $name "*) put 755 "bin/$name" "$dest$prefix/libexec/lxc/$name" ;;
	*) put 755 "bin/$name" "$dest$prefix/bin/$name" ;;
	esac
done
each data "$filled/config" "$dest$prefix/share/lxc/config"
each data templates "$dest$prefix/share/lxc/templates"
[ ! -d hooks ] || each data hooks "$dest$prefix/share/lxc/hooks"
each data "$filled/systemd" "$dest$prefix/lib/systemd/system"
each setting "$filled/lxc" "$dest$sysconf/lxc"
each setting "$filled/default" "$dest$sysconf/default"

# Where the rootfs of a starting container is mounted: Debian's architecture
# names, as in internal/paths.
machine=$(uname -m)
case $machine in
i?86) triplet=i386-linux-gnu ;;
armv*) triplet=arm-linux-gnueabihf ;;
ppc64le) triplet=powerpc64le-linux-gnu ;;
mips64) triplet=mips64el-linux-gnuabi64 ;;
*) triplet=$machine-linux-gnu ;;
esac
mkdir -p "$dest$prefix/lib/$triplet/lxc/rootfs" "$dest$state/lib/lxc" "$dest$state/cache/lxc" "$dest$state/log/lxc"
