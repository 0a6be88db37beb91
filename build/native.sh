#!/bin/sh
# Replaces gcc's passes, assembler and linker by the same versions for the builder's processor, if
# everything else is emulated because the image is for another one. They produce the same code.
# usage: build/native.sh BUILDARCH TARGETARCH     (in a container: it overwrites Debian's files)
set -eu
[ "$1" != "$2" ] || exit 0
apt-get install -q -y --no-install-recommends gcc
dpkg --add-architecture "$1"
apt-get update -q
target=$(gcc -dumpmachine)
package=$(echo "$target" | tr _ -) # x86-64-linux-gnu
major=$(gcc -dumpversion)
compiler=$(dpkg-query -W -f '${Version}' "gcc-$major")
binutils=$(dpkg-query -W -f '${Version}' binutils)
native=$(mktemp -d)
cd "$native"
apt-get download -q "cpp-$major-$package:$1=${compiler}cross*" \
    "gcc-$major-$package:$1=${compiler}cross*" "binutils-$package:$1=$binutils"
for archive in *.deb; do
    dpkg -x "$archive" .
done
# the libraries of these programs; binutils brings some of its own
apt-get install -q -y --no-install-recommends \
    "libisl23:$1" "libjansson4:$1" "libmpc3:$1" "libsframe1:$1" "libzstd1:$1" "zlib1g:$1"
cp -a usr/lib/*-linux-gnu /usr/lib
cp usr/libexec/gcc-cross/"$target"/"$major"/* /usr/libexec/gcc/"$target"/"$major"
cp -P usr/bin/"$target"-as usr/bin/"$target"-ld* /usr/bin
# where a cross compiler looks for the compiler's own headers
mkdir -p /usr/lib/gcc-cross
ln -s "/usr/lib/gcc/$target" /usr/lib/gcc-cross
rm -r "$native"
