#!/bin/sh
# Prove that the program's bytes depend on the commit alone: build it twice, from clones in different folders, and the
# second time with a cache of its own, so from nothing (5 to 10 minutes on 2 cores).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q "$root" "$work/one"
git clone -q "$root" "$work/another/longer-name"
python3 "$work/one/build/binary.py"
XDG_CACHE_HOME="$work/another/cache" python3 "$work/another/longer-name/build/binary.py"
sha256sum "$work/one/dist/s3-presigned-url" "$work/another/longer-name/dist/s3-presigned-url" | cut -d ' ' -f 1
cmp "$work/one/dist/s3-presigned-url" "$work/another/longer-name/dist/s3-presigned-url"
echo "reproducible: the two are the same, byte for byte"
