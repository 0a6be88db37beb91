#!/bin/sh
# Prove that the program's bytes depend on the commit alone: build it twice, from clones in different folders.
# With FROM_SCRATCH=1 each build also makes its own interpreter (half an hour on 2 cores).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in one another/longer-name; do
    git clone -q "$root" "$work/$name"
    if [ "${FROM_SCRATCH:-}" ]; then export XDG_CACHE_HOME="$work/$name/.cache"; fi
    python3 "$work/$name/build/binary.py"
done
cmp "$work/one/dist/s3-presigned-url" "$work/another/longer-name/dist/s3-presigned-url"
sha256sum "$root/dist/s3-presigned-url" "$work/one/dist/s3-presigned-url" 2>/dev/null | cut -d ' ' -f 1
echo "reproducible: the two are the same, byte for byte"
