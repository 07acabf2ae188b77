#!/usr/bin/env bash
# tests/scripts/signals.sh [--rounds R] [--binary PATH]: sends SIGTERM at random moments, R times to
# a training and R/4 times to a sweep. Each time everything is saved, nothing else is printed, and
# the resumed run ends with the bytes of an uninterrupted one. The model is large enough for matrix
# products to take most of the time, during which a handler's frame would be written into the heap.
set -euo pipefail

rounds=8
. "$(dirname "$0")/rounds.sh"
cd "$folder"

model=(--task copy --train-length 20 --width 256 --heads 4 --layers 2 --batch 8 --threads 1 --quiet)
train=("$yonder" train "${model[@]}" --encoding rope --steps 60 --warmup 5)
sweep=("$yonder" sweep "${model[@]}" --encodings rope,alibi --steps 20 --warmup 5 --seeds 1
  --eval-lengths 20 --examples 4 --threads 2)

# disturbed COMMAND…: starts it, sends SIGTERM at a random moment, and sets `code` to its exit code.
disturbed() {
  touch before
  "$@" >log 2>&1 &
  local process=$!
  # Mostly during training: before it, there is nothing to save.
  [ $((RANDOM % 4)) = 0 ] || while kill -0 $process 2>/dev/null &&
    [ -z "$(find parts -name metrics.jsonl -newer before 2>/dev/null)" ]; do sleep 0.01; done
  sleep "0.$(printf %03d $((RANDOM % 500)))"
  kill -TERM $process 2>/dev/null || true
  code=0
  { wait $process; } 2>/dev/null || code=$?
  [ $code = 0 ] || [ $code = 143 ] || fail "ended with $code"
}

"${train[@]}" --out whole >log 2>&1 || fail "the training that nobody disturbs fails"
saved=0
while [ $saved -lt "$rounds" ]; do
  next=("${train[@]}" --out parts --force)
  for (( ; ; )); do
    disturbed "${next[@]}"
    [ $code != 0 ] || break
    [ -s log ] || continue  # it ended before its first step and printed nothing
    step=$(sed -n 's/^yonder: training: ended by a signal and saved at step \([0-9]*\) of .*/\1/p' log)
    [ -n "$step" ] && [ "$(wc -l <log)" = 1 ] || fail "it says something else"
    [ "$(cat parts/checkpoints/LATEST)" = "step-$step" ] || fail "LATEST is not step $step"
    saved=$((saved + 1))
    next=("$yonder" train --quiet --resume parts)
  done
  cmp whole/checkpoints/step-60.safetensors parts/checkpoints/step-60.safetensors ||
    fail "other bytes"
done
echo "training: the same bytes after $saved signals"

"${sweep[@]}" --out whole-sweep >log 2>&1 || fail "the sweep that nobody disturbs fails"
saved=0
while [ $((4 * saved)) -lt "$rounds" ]; do
  rm -rf parts
  for (( ; ; )); do
    disturbed "${sweep[@]}" --out parts --resume
    [ $code != 0 ] || break
    ! compgen -G 'parts/cells/*/FAILED' >/dev/null || fail "a cell failed: $(cat parts/cells/*/FAILED)"
    saved=$((saved + 1))
  done
  cmp whole-sweep/results.csv parts/results.csv || fail "other results"
done
echo "sweep: the same results after $saved signals"
