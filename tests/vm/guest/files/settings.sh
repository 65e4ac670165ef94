#!/bin/bash
# Settings of a guest: settings.sh ROOT. They are Debian's, except for what would
# start work in the middle of a test or gives up on a slow machine, and for the
# agent that runs the host's jobs.
set -eu
root=$1
files=$(dirname "$0")

echo guest >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 guest\n::1 localhost\n' >"$root/etc/hosts"
printf '/dev/vda / ext4 defaults,noatime 0 1\n' >"$root/etc/fstab"

mkdir -p "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/system.conf.d"
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n' >"$root/etc/systemd/journald.conf.d/guest.conf"
printf '[Manager]\nDefaultTimeoutStartSec=300s\nDefaultTimeoutStopSec=60s\n' >"$root/etc/systemd/system.conf.d/guest.conf"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer logrotate.timer man-db.timer systemd-tmpfiles-clean.timer systemd-timesyncd.service \
	getty@tty1.service serial-getty@ttyS0.service serial-getty@hvc0.service \
	systemd-networkd-wait-online.service systemd-pcrphase.service systemd-pcrphase-sysinit.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# An ordinary user, with what Debian's useradd gives one.
chroot "$root" useradd -m -s /bin/bash -u 1000 user
grep -q ^user: "$root/etc/subuid"

install -m 755 "$files/agent" "$root/usr/local/sbin/host-agent"
install -m 644 "$files/host-agent.service" "$files/host-agent.target" "$root/etc/systemd/system/"
ln -sf host-agent.target "$root/etc/systemd/system/default.target"

systemd-machine-id-setup --root="$root" 2>/dev/null || echo 5f2d0c1b9a8e4d7f8c6b5a4938271605 >"$root/etc/machine-id"

# Nothing is to be brought up to date at the first boot.
touch "$root/usr" "$root/etc/.updated" "$root/var/.updated"
