#!/usr/bin/env bash
# tests/scripts/vectors.sh YONDER_VECTORS: writes every encoding's conformance vectors twice with
# equal bytes, compares their sums with tests/golden/vectors.json (vectors.py --update renews it),
# and recomputes three encodings with numpy. Exits with 77 (CTest: skipped) if no Python has numpy.
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
# Cases without a file are undefined, or complex-valued.
if grep -v 'is not written' missing; then exit 1; fi
"$python" "$scripts/vectors.py" all "$scripts/../golden/vectors.json"
