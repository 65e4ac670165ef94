#!/bin/sh
# Installs bin/ and everything beside it:
#   tests/install.sh DESTDIR PREFIX SYSCONFDIR LOCALSTATEDIR
# Settings of the administrator stay: a file in SYSCONFDIR that is there and
# differs is left alone, and ours is put beside it as FILE.new.
set -eu
cd "$(dirname "$0")/.."
dest=$1 prefix=$2 sysconf=$3 state=$4

put() { # MODE FILE TARGET: installs under a new name and renames, so that a running program keeps its file
	install -D -m "$1" "$2" "$3.gantry-new"
	mv -f "$3.gantry-new" "$3"
}

setting() { # FILE TARGET
	if [ ! -e "$2" ]; then
		put 644 "$1" "$2"
	elif ! cmp -s "$1" "$2"; then
		put 644 "$1" "$2.new"
		echo "$2 is yours: ours is $2.new" >&2
	fi
}

tree() { # DIRECTORY TARGET: every file, scripts executable
	[ -d "$1" ] || return 0
	(cd "$1" && find . -type f) | while read -r file; do
		mode=644
		[ ! -x "$1/$file" ] || mode=755
		put $mode "$1/$file" "$2/$file"
	done
}

libexec='lxc-shim lxc-stage lxc-net'
for program in bin/*; do
	case " $libexec " in
	*" $(basename "$program") "*) put 755 "$program" "$dest$prefix/libexec/lxc/$(basename "$program")" ;;
	*) put 755 "$program" "$dest$prefix/bin/$(basename "$program")" ;;
	esac
done
