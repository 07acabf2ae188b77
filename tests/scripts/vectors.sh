#!/usr/bin/env bash
# tests/scripts/vectors.sh YONDER_VECTORS: writes conformance vectors of every encoding, the same bytes
# each time, whose sums are those of tests/golden/vectors.json (new ones: vectors.py with --update), and
# has those of three read by numpy. Exits with 77, which CTest calls skipped, where no Python has numpy.
set -euo pipefail

scripts=$(realpath "$(dirname "$0")")
vectors=$(realpath "$1")
. "$scripts/python.sh"
python_with numpy

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$vectors" all --out all 2>missing
"$vectors" all --out again 2>/dev/null
diff -r all again
# What has no file is undefined there, or complex.
if grep -v 'is not written' missing; then exit 1; fi
"$python" "$scripts/vectors.py" all "$scripts/../golden/vectors.json"
