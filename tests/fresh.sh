#!/bin/sh
# Runs the README's commands as on a new machine: in a minimal Debian that has only git, make, python3 and CA certificates.
# Needs root and mmdebstrap.
#
# usage: tests/fresh.sh SUITE [COMMAND ...]     (default: "make demo" "make test")
#
# HOOK, if set, is a program that prepares the new root file system, its argument, for this machine's network.
set -eu
suite=$1
shift
[ $# -gt 0 ] || set -- "make demo" "make test"
project=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mmdebstrap --variant=minbase --quiet --include=ca-certificates,git,make,python3 \
    --customize-hook="${HOOK:-true} \"\$1\"" "$suite" "$root"
git clone -q "$project" "$root/root/project"
for command; do
    echo "fresh $suite: $command"
    # with mounts of its own, which end with it
    unshare --mount --pid --fork sh -euc '
        mount --rbind /dev "$1/dev"
        mount -t proc proc "$1/proc"
        cp /etc/resolv.conf /etc/hosts "$1/etc/"
        exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" sh -euc "cd /root/project && $2"
    ' sh "$root" "$command"
    echo "fresh $suite: $command: passed"
done
