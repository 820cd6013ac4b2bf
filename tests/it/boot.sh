#!/bin/sh
# Boots systemd in a root of its own: an overlay over this machine's, with everything that is written in memory. To be run
# in new namespaces (unshare -m -p -n -u -i -C --fork); $1 is an empty folder, $2 the program ("" for none), $3 a folder whose
# content is laid over /etc.
set -eu
top=$1 program=$2 etc=$3
mount --make-rprivate /
mount -t tmpfs tmpfs "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
root=$top/root
# What lies on other file systems is not in the overlay: it is taken along before they are covered.
[ -z "$program" ] || cp "$program" "$root/usr/bin/dayuan"
cp -r "$etc/." "$root/etc/"
mount -t proc proc "$root/proc"
for place in run tmp dev; do mount -t tmpfs tmpfs "$root/$place"; done
device() { mknod -m 666 "$root/dev/$1" c "$2" "$3"; }
device null 1 3
device zero 1 5
device full 1 7
device random 1 8
device urandom 1 9
device tty 5 0
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t sysfs sysfs "$root/sys" -o ro
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
ip link set lo up
cd "$root"
mkdir -p old
pivot_root . old
umount -l old
# As a container manager leaves it: systemd hands credentials to services by mounts that must be seen beside them.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=basic.target --show-status=0
