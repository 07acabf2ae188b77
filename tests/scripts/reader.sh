#!/usr/bin/env bash
# tests/scripts/reader.sh --reader reader.py [--binary PATH]: trains small models, computes their
# logits and statistics of attention with the Python program printed in models/README.md, and
# compares them with those of `yonder logits`. Exits with 77 (CTest: skipped) if no Python has numpy.
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
  "$yonder" logits run --tokens tokens.npy --out expected.npy --attention looks.csv
  "$python" "$reader" run/checkpoints/step-60.safetensors tokens.npy found.npy
  # Logits up to about 10 in float32, each rounded a few dozen times with a relative error of 6e-8.
  "$python" - "$model" "$reader" <<'EOF'
import csv, importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("reader", sys.argv[2])
reader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reader)

seen = []  # the attention p [H, T, T] of each layer, as the reader multiplies the values by it
einsum = np.einsum
def watched(form, p, x):
    if form == "hij,jhc->ihc": seen.append(p)
    return einsum(form, p, x)
np.einsum = watched

config, weights = reader.read("run/checkpoints/step-60.safetensors")
tokens, expected, found = (np.load(name + ".npy") for name in ("tokens", "expected", "found"))
for row in tokens: reader.logits(config, weights, row)
worst, largest = abs(found - expected).max(), abs(expected).max()

# The columns of attention.csv: means over all rows of all sequences, by layer and head
depth, T, N = len(seen) // len(tokens), tokens.shape[1], config["model"]["length"]
distance = abs(np.subtract.outer(np.arange(T), np.arange(T)))
apart = 0
for line in csv.DictReader(open("looks.csv")):
    p = np.array([seen[b * depth + int(line["layer"])][int(line["head"])] for b in range(len(tokens))])
    mean = lambda x: x.sum(-1).mean()
    entropy = mean(-p * np.log(np.maximum(p, 1e-300)))
    ours = {"entropy": entropy, "keys": np.exp(entropy), "distance": mean(p * distance),
            "within": mean(p * (distance < N)), "first": p[:, :, 0].mean(),
            "own": mean(p * (distance == 0)), "top": p.max(-1).mean(), "spent": mean(p),
            "d4": mean(p * (distance >= 4) * (distance < 8))}
    apart = max([apart] + [abs(value - float(line[name])) / max(1, value) for name, value in ours.items()])
print(f"{sys.argv[1]}: largest difference {worst:.2g} of logits up to {largest:.2g}, "
      f"{apart:.2g} of attention in {depth} layers")
sys.exit(not (found.shape == expected.shape and largest > 1 and worst < 1e-5 and apart < 1e-5))
EOF
done
