#!/bin/sh
# enter.sh ROOT LAYER QEMU MACHINE CPUINFO COMMAND...  (inside `unshare --user --map-root-user --mount`)
#
# Runs COMMAND in the system of another processor at ROOT. What is written goes to LAYER, so that ROOT
# stays as it is; with `-` for LAYER it goes to ROOT. The kernel starts QEMU for this namespace alone:
# child processes run under it too, and the machine around sees none of this. CPUINFO is what the board's
# kernel says of its processor, from which libraries choose how to compute.
set -eu
root=$1 layer=$2 qemu=$3 machine=$4 cpuinfo=$5
shift 5

# An executable for the machine, or a shared object that is one: ELF header up to e_machine.
case $machine in
aarch64) class=02 number=b7 ;;
armv7l) class=01 number=28 ;;
*) echo "enter.sh: no such machine: $machine" >&2 && exit 2 ;;
esac
magic="\\x7fELF\\x$class\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x$number\\x00"
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' ":$machine:M::$magic:$mask:$qemu:F" >/proc/sys/fs/binfmt_misc/register

if [ "$layer" != - ]; then
    mkdir -p "$layer/changed" "$layer/work" "$layer/root"
    mount -t overlay overlay -o "lowerdir=$root,upperdir=$layer/changed,workdir=$layer/work,userxattr" "$layer/root"
    root=$layer/root
fi
cd "$root"
mkdir -p proc sys dev tmp root
mount --rbind /proc proc
mount --bind "$cpuinfo" proc/cpuinfo
# Of this machine's devices only those that every machine has.
for device in null zero full random urandom; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir -p dev/shm
mount -t tmpfs tmpfs dev/shm
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec "$(command -v chroot)" . "$@"
