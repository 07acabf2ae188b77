#!/usr/bin/env bash
# tests/scripts/interop.sh [--binary PATH]: trains small models, exports them, and checks the logits
# that numpy computes from the exported files (interop.py). Exits with 77 (CTest: skipped) if no
# Python has numpy.
set -euo pipefail

scripts=$(realpath "$(dirname "$0")")
. "$scripts/rounds.sh"

. "$scripts/python.sh"
python_with numpy

cd "$folder"

model= limit=
# train ENCODING [OPTION…]: trains a model into run, which later exports read.
train() {
  model=$*
  "$yonder" train --task copy --encoding "$@" --train-length 8 --width 48 --layers 2 --threads 1 --steps 60 \
    --warmup 10 --lr 1e-2 --out run --force --quiet >/dev/null
}
# same FORM TOKENS [OPTION…]: exports with these inference-time overrides and compares logits.
same() {
  local form=$1 T=$2
  shift 2
  rm -rf exported
  "$python" -c "import numpy as np
np.save('tokens.npy', np.random.default_rng(0).integers(0, 19, (2, $T)).astype(np.int32))"
  "$yonder" logits run --tokens tokens.npy --out expected.npy "$@"
  # shellcheck disable=SC2086
  "$yonder" export run --to "$form" --out exported $limit "$@" >/dev/null
  "$python" "$scripts/interop.py" exported tokens.npy expected.npy "$model $*"
}
both() { same hf "$@"; same gguf "$@"; }

train rope --heads 4
both 256
for scaling in linear ntk yarn; do both 256 --rope.scaling $scaling --rope.factor 4; done
same hf 256 --rope.scaling llama3 --rope.factor 4
same hf 256 --rope.scaling dynamic
same hf 256 --rope.scaling dynamic --rope.factor 2
train rope --heads 3 --rope.layout half --tie-embeddings
both 256
train rope --heads 3 --rope.fraction 0.5
both 256
same hf 256 --rope.scaling yarn --rope.factor 4
for layout in interleaved half; do
  train rope --heads 4 --rope.fraction 0.5 --rope.truncate true --rope.layout $layout
  both 256
  both 256 --rope.scaling ntk --rope.factor 4
  same hf 256 --rope.scaling llama3 --rope.factor 4
done
for model in "--rope.layout half --kv-heads 2" "--tie-embeddings"; do
  # shellcheck disable=SC2086
  train rope --heads 4 --block llama $model
  same hf 256
  same hf 256 --rope.scaling yarn --rope.factor 4
done
train none --heads 4
both 256
train learned --heads 4 --tie-embeddings
both 18
limit="--length 256"
both 256 --learned.beyond wrap
limit=
train sinusoidal --heads 4
both 256
both 256 --sinusoidal.scaling linear --sinusoidal.factor 4
# Exported as tables: t5 has c, shaw A and V, deberta A and B, xlnet B, scale-invariant f.
for encoding in t5 shaw "shaw --shaw.values false" deberta xlnet scale-invariant hard-alibi none+logn \
  none+ssmax alibi+window sinusoidal+t5 "none+sinks --sinks.learned true"; do
  # shellcheck disable=SC2086
  train $encoding --heads 4
  same hf 256
done
# Rotated by tables: xpos has one for q and one for k, fope one per head, longrope a second set for
# short inputs, and rerope, self-extend and dca several products.
limit="--length 256"
for scaling in "ntk-mixed --rope.factor 4" rerope "self-extend --rope.factor 16" dca \
  "longrope --rope.factor 4 --rope.factors 1,1.5,2,3,3.5,4"; do
  train rope --heads 4
  # shellcheck disable=SC2086
  for T in 16 256; do same hf $T --rope.scaling $scaling; done
done
train rope-id --heads 4
same hf 256 --rope-id.temperature none
train floater --heads 4  # not 256: its path leaves the range of single precision
same hf 64
train tupe --heads 4
same hf 256 --tupe.beyond clamp
train multiplied --heads 4
same hf 256 --multiplied.beyond wrap
# The others are exported as formulas.
for encoding in xpos fope rope+window "rope@0,none+logn@1" rope+scale-invariant+sinks \
  fire "alibi+dape --dape.kernel 3" rope+dape cope pope selective \
  "selective --selective.layout interleaved" fox "fox --fox.gate bias" "fox --fox.gate fixed" path+fox \
  wall "conv --conv.layers 2 --conv.skip 1" "conv --conv.padding none" rnn rope+gate+qknorm \
  "none+gate+qknorm --gate.by head --qknorm.learned scale" \
  "alibi+qknorm --qknorm.of key --qknorm.learned none" \
  "nape+ssmax --ssmax.kind adaptive --ssmax.heads 2" rope+entmax "none+entmax --entmax.alpha 2" \
  "stick-breaking+window --window.size 9" "stick-breaking --stick-breaking.remainder own"; do
  # shellcheck disable=SC2086
  train $encoding --heads 4
  same hf 64
done
limit=
for heads in 4 6; do
  train alibi --heads $heads
  both 256
done
