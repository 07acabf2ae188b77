#!/usr/bin/env bash
# tests/scripts/kill.sh [--rounds R] [--binary PATH]: trains, kills the run with SIGKILL at random
# times, resumes it, and compares its final bytes with those of an uninterrupted run. Every encoding
# has its turn unless R is smaller. YONDER_SEED reproduces a choice of times.
set -euo pipefail

. "$(dirname "$0")/rounds.sh"

now() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }  # ms

# "NAME models acts_on" of each encoding.
listed() { sed -nE 's/^  "(name|models|acts_on)": "(.*)",?$/\1 \2/p' <("$yonder" list encodings --json); }

# What is trained: modifiers on top of rope; bidirectional models if causal ones are impossible.
mapfile -t encodings < <(listed | awk '
  $1 == "name" { name = $2 }
  $1 == "acts_on" { on = $0 ~ /another/ ? "rope+" : "" }
  $1 == "models" { print on name, $0 ~ /causal/ ? "" : "--bidirectional" }')
# Two encodings need the digits of numbers.
task_of() { case $1 in *abacus* | *coupled*) echo addition ;; *) echo copy ;; esac; }

[ ${#encodings[@]} -gt 0 ] || { echo "$0: $yonder lists no encoding" >&2; exit 1; }
rounds=${rounds:-${#encodings[@]}}
kills=0 equal=0
for ((round = 0; round < rounds; ++round)); do
  row=${encodings[round % ${#encodings[@]}]}
  encoding=${row%% *}
  # A checkpoint every 6 ms, so that kills hit between any two of its files.
  start=("$yonder" train --quiet --task "$(task_of "$row")" --train-length 4 --width 16 --heads 2 --layers 1 --batch 4
    --steps 150 --warmup 5 --last-checkpoints 3 --seed "$round" --threads 1 --checkpoint-minutes 0.0001
    --encoding "$encoding" ${row#* })
  began=$(now)
  "${start[@]}" --out "$folder/whole" >/dev/null
  took=$(($(now) - began))

  next=("${start[@]}" --out "$folder/parts")
  for ((kill = 0; kill < 4; ++kill)); do
    "${next[@]}" >/dev/null 2>"$folder/error" &
    process=$!
    sleep "$(printf '0.%03d' $((RANDOM % (took < 999 ? took : 999))))"
    kill -9 $process 2>/dev/null || true
    status=0
    { wait $process; } 2>/dev/null || status=$?
    case $status in
      137) kills=$((kills + 1)) ;;
      0) ;;
      *) echo "round $round, $encoding: ended with $status: $(cat "$folder/error")"; exit 1 ;;
    esac
    # If it was killed before its first checkpoint, there is nothing to resume.
    if compgen -G "$folder/parts/checkpoints/step-*.json" >/dev/null; then
      next=("$yonder" train --quiet --resume "$folder/parts")
    else
      next=("${start[@]}" --out "$folder/parts" --force)
    fi
  done
  "${next[@]}" >/dev/null

  for file in "$folder"/whole/checkpoints/*.safetensors "$folder/whole/checkpoints/LATEST"; do
    cmp "$file" "$folder/parts/checkpoints/${file##*/}" ||
      { echo "round $round, $encoding: other bytes (YONDER_SEED=$YONDER_SEED)"; exit 1; }
  done
  [ "$(ls "$folder/whole/checkpoints")" = "$(ls "$folder/parts/checkpoints")" ] ||
    { echo "round $round, $encoding: other files (YONDER_SEED=$YONDER_SEED)"; exit 1; }
  # Steps and losses, each once and in order; speeds and times may differ.
  for run in whole parts; do
    sed 's/,"tokens_per_second.*//' "$folder/$run/metrics.jsonl" >"$folder/$run.metrics"
  done
  cmp "$folder/whole.metrics" "$folder/parts.metrics" ||
    { echo "round $round, $encoding: other metrics (YONDER_SEED=$YONDER_SEED)"; exit 1; }
  rm -rf "$folder/whole" "$folder/parts"
  equal=$((equal + 1))
done
echo "$rounds rounds, $kills kills, $equal equal"
