#!/bin/bash
# Makes the disk of a guest: a normal Debian with systemd, its own kernel,
# AppArmor and everything Gantry or Debian's LXC needs, but neither of them.
#   image.sh RELEASE DIR
# leaves DIR/{disk.img,vmlinuz,initrd,packages}. Debian's LXC and lxcfs lie in the
# guest's /opt/debs, ready to be installed where a test compares with them.
set -eu -o pipefail
release=$1 dir=$2
files=$(dirname "$0")
root=$dir/root
mkdir -p "$dir"

packages='linux-image-amd64 systemd systemd-sysv udev dbus dbus-user-session libpam-systemd
	login passwd procps kmod iproute2 nftables dnsmasq-base apparmor apparmor-utils uidmap iputils-ping
	bridge-utils btrfs-progs e2fsprogs rsync busybox-static ca-certificates xz-utils file
	libcap2-bin acl attr less psmisc openssl strace gcc libc6-dev'
[ "$release" = bookworm ] || packages="$packages linux-sysctl-defaults"

# No mirror is named: mmdebstrap takes Debian's own, as apt here does. What is
# only downloaded comes with what it depends on.
# shellcheck disable=SC2086,SC2016 # a list; mmdebstrap expands $1
INITRD=No DEBIAN_FRONTEND=noninteractive mmdebstrap --quiet --mode=root --variant=minbase --components=main \
	--include="$(echo $packages | tr ' ' ,)" \
	--aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--customize-hook='mkdir -p "$1/opt/debs/partial"' \
	--customize-hook='chroot "$1" apt-get -qq -y --no-install-recommends --download-only -o Dir::Cache::archives=/opt/debs install lxc lxc-tests lxcfs >/dev/null' \
	"$release" "$root"

bash "$files/settings.sh" "$root"
kernel=$(find "$root/lib/modules" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
cp "$root/boot/vmlinuz-$kernel" "$dir/vmlinuz"
chroot "$root" dpkg-query -W >"$dir/packages"

# An initrd of busybox and the few modules that lead to the root disk: systemd
# is there after three seconds.
tree=$dir/initrd.tree
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/mnt" "$tree/mod"
cp "$root/bin/busybox" "$tree/bin/busybox"
install -m 755 "$files/initrd-init" "$tree/init"
chroot "$root" modprobe -a -S "$kernel" --ignore-install --show-depends \
	virtio_pci virtio_blk virtio_console ext4 crc32c_generic 2>/dev/null |
	awk '$1 == "insmod" && !seen[$2]++ {print $2}' |
	while read -r module; do
		name=$(basename "$module")
		case $module in
		*.xz) name=${name%.xz} && xz -dc "$root$module" >"$tree/mod/$name" ;;
		*.zst) name=${name%.zst} && zstd -qdc "$root$module" >"$tree/mod/$name" ;;
		*) cp "$root$module" "$tree/mod/$name" ;;
		esac
		echo "$name" >>"$tree/mod/order"
	done
(cd "$tree" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null) >"$dir/initrd"

truncate -s 16G "$dir/disk.img"
mke2fs -q -t ext4 -L guest -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -d "$root" "$dir/disk.img"
rm -rf --one-file-system "$root" "$tree"
