#!/usr/bin/env bash
# Kills a sweep with SIGKILL at random moments, resumes it until it finishes, and compares its
# results.csv with that of an uninterrupted sweep:
#   tests/scripts/kill_sweep.sh [--rounds N] [--binary build/release/yonder]
set -euo pipefail

rounds=3
. "$(dirname "$0")/rounds.sh"
sweep=("$yonder" sweep --task copy --encodings "rope,rope:rope.scaling=yarn,t5,floater"
  --set train.lr=1e-3,3e-3 --train-length 4 --eval-lengths 4,8 --width 32 --layers 2 --batch 16 --steps 400
  --seeds 2 --checkpoints 3 --checkpoint-minutes 0.002 --quiet)

"${sweep[@]}" --out "$folder/whole" >"$folder/log"
for ((round = 1; round <= rounds; ++round)); do
  rm -rf "$folder/cut"
  for ((kills = 0; ; ++kills)); do
    [ $kills -lt 200 ] || { echo "round $round: no end after $kills kills" >&2; exit 1; }
    setsid "${sweep[@]}" --out "$folder/cut" --resume >"$folder/log" 2>&1 &
    pid=$!
    sleep "0.$((RANDOM % 900 + 100))"
    kill -KILL $pid 2>/dev/null || true
    code=0
    wait $pid 2>/dev/null || code=$?
    [ $code != 0 ] || break
    [ $code = 137 ] || { cat "$folder/log" >&2; exit 1; }
  done
  cmp "$folder/whole/results.csv" "$folder/cut/results.csv"
  echo "round $round of $rounds: equal after $kills kills"
done
