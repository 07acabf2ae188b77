#!/usr/bin/env bash
# tests/scripts/reader.sh --reader reader.py [--binary PATH]: trains small models, computes their
# logits with the Python program printed in models/README.md, and compares them with those of
# `yonder logits`. Exits with 77 (CTest: skipped) if no Python has numpy.
set -euo pipefail

scripts=$(realpath "$(dirname "$0")")
yonder=$scripts/../../build/release/yonder
reader=
while [ $# -gt 0 ]; do
  case $1 in
    --binary) yonder=$2 ;;
    --reader) reader=$2 ;;
    *) echo "$0: there is no $1; it takes --reader FILE and --binary PATH" >&2; exit 2 ;;
  esac
  shift 2
done
yonder=$(realpath "$yonder") reader=$(realpath "$reader")

. "$scripts/python.sh"
python_with numpy

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -c 'import numpy as np
np.save("tokens.npy", np.random.default_rng(0).integers(0, 19, (3, 40)).astype(np.int32))'

for model in "rope" "rope --bidirectional" "alibi" "alibi --tie-embeddings" "none" \
  "rope --block gpt2" "alibi --block neox" "rope --block llama --kv-heads 2" \
  "none --block gemma --kv-heads 1 --tie-embeddings" "rope --place post --act relu2 --bias qkv" \
  "alibi --loops 3 --bidirectional"; do
  # shellcheck disable=SC2086
  "$yonder" train --task copy --encoding $model --train-length 8 --width 32 --heads 4 --layers 2 \
    --steps 60 --warmup 10 --lr 1e-2 --out run --force --quiet >/dev/null
  "$yonder" logits run --tokens tokens.npy --out expected.npy
  "$python" "$reader" run/checkpoints/step-60.safetensors tokens.npy found.npy
  # Logits up to about 10 in float32, each rounded a few dozen times with a relative error of 6e-8.
  "$python" - "$model" <<'EOF'
import sys
import numpy as np
expected, found = np.load("expected.npy"), np.load("found.npy")
worst, largest = abs(found - expected).max(), abs(expected).max()
print(f"{sys.argv[1]}: largest difference {worst:.2g} of logits up to {largest:.2g}")
sys.exit(not (found.shape == expected.shape and largest > 1 and worst < 1e-5))
EOF
done
