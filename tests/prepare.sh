#!/bin/sh
# Installs the Debian packages that a purpose needs and that are missing:
#   tests/prepare.sh check|test|test-vm|bench|demo
# It needs root only when something is missing. No service that comes with a
# package is started, and none that was not there before is left enabled: the
# tests bring their own network, and C LXC serves only as the yardstick.
set -eu

base='busybox-static dnsmasq-base iproute2 iputils-ping nftables procps uidmap'
case ${1-} in
check) packages='shellcheck git' ;;
demo) packages="$base debootstrap" ;;
test) packages="$base debootstrap mmdebstrap lxc lxc-templates rsync tmux" ;;
test-vm) packages="$base qemu-system-x86 qemu-utils mmdebstrap e2fsprogs xz-utils zstd" ;;
bench) packages="$base lxc crun" ;;
*)
	echo "usage: $0 check|test|test-vm|bench|demo" >&2
	exit 2
	;;
esac

missing=''
for p in $packages; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "$0: not root, and these packages are missing:$missing" >&2
	exit 1
fi

# policy-rc.d is Debian's way to say that nothing may be started.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
fi

units='lxc.service lxc-net.service lxc-monitord.service'
enabled() { # the units that would start at the next boot
	for u in $units; do
		if systemctl is-enabled --quiet "$u" 2>/dev/null; then echo "$u"; fi
	done
}
before=$(enabled)

echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
add() {
	# shellcheck disable=SC2086 # a list
	apt-get install -y -q --no-install-recommends $missing >/dev/null
}
add 2>/dev/null || { # the package lists may be old, or not there yet
	apt-get update -q >/dev/null
	add
}

for u in $(enabled); do
	case " $(echo "$before" | tr '\n' ' ') " in
	*" $u "*) ;;
	*) systemctl disable --quiet "$u" ;;
	esac
done
