#!/usr/bin/env bash
# tests/scripts/pandas.sh [--binary PATH]: pandas and Python's csv module read results.csv of a
# small sweep as tidy data. Exits with 77 (CTest: skipped) if no Python has pandas.
set -euo pipefail

scripts=$(realpath "$(dirname "$0")")
. "$scripts/rounds.sh"
. "$scripts/python.sh"
python_with pandas

cd "$folder"
"$yonder" sweep --task copy --encodings learned,rope,rope:rope.scaling=yarn --train-length 4 \
  --eval-lengths 4,8 --width 16 --heads 2 --layers 1 --batch 8 --steps 20 --seeds 2 \
  --quiet --out run >/dev/null
"$python" - <<'PYTHON'
import csv
import json

import pandas

table = pandas.read_csv("run/results.csv", float_precision="round_trip")
rows = list(csv.DictReader(open("run/results.csv", newline="")))
assert len(table) == len(rows) == 3 * 2 * 2 and list(table.columns) == list(rows[0])
losses = table.pivot_table("loss", "encoding", "eval_length", "median")
assert losses.loc["rope"].notna().all() and "learned" in losses.index
assert table["loss"].isna().sum() == 2  # learned beyond its table, for two seeds
assert [float(r["loss"]) for r in rows if r["loss"]] == list(table["loss"].dropna())
assert json.load(open("run/results.json"))
print(losses)
PYTHON
