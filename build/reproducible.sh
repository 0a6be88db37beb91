#!/bin/sh
# Proves that the program's bytes depend only on the commit: builds it twice, from clones in
# different folders, the second time with an empty cache (5 to 10 minutes on 2 cores).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q "$root" "$work/one"
git clone -q "$root" "$work/another/longer-name"
python3 "$work/one/build/binary.py"
XDG_CACHE_HOME="$work/another/cache" python3 "$work/another/longer-name/build/binary.py"
one=$work/one/dist/s3-presigned-url
another=$work/another/longer-name/dist/s3-presigned-url
sha256sum "$one" "$another" | cut -d ' ' -f 1
cmp "$one" "$another"
echo "reproducible: the two files are identical"
