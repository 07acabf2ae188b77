#!/usr/bin/env python3
"""The rooms of the source tree and how they include each other.

    tests/scripts/rooms.py             prints a picture: SVG with Graphviz, else its dot source
    tests/scripts/rooms.py --check     prints includes that do not go down and exceeded budgets

A room is a top-level folder or a folder of train/. A file may include its own room and rooms of
lower floors, never a higher floor or another room of its floor.
"""
import collections
import os
import re
import shutil
import subprocess
import sys

FLOORS = [["core"], ["datasets", "encodings"], ["models"], ["train/system", "train/config"],
          ["train/training", "train/results"], ["train/evaluation", "train/report", "train/bench",
           "train/export"],
          ["train/sweep"], ["train/cli"]]
# train/config does not use train/system, so the two may share a floor; likewise the others.
BUDGET = {"train": 20276, "all": 41862}  # lines; lower it whenever code is deleted

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}


def sources():
    for top in ("core", "datasets", "encodings", "models", "train"):
        for folder, _, names in os.walk(top):
            for name in sorted(names):
                if name.endswith((".h", ".cpp")):
                    yield os.path.join(folder, name)


def room(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "train" else parts[0]


def includes(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            found = re.match(r'#include "([^"]+)"', line)
            if found and os.path.exists(found[1]):
                yield number, found[1]


def check():
    wrong, lines = [], collections.Counter()
    for path in sources():
        with open(path, encoding="utf-8") as file:
            count = sum(1 for _ in file)
        lines["all"] += count
        lines[path.split("/")[0]] += count
        if room(path) not in FLOOR:
            wrong.append(f"{path}: its folder has no floor in tests/scripts/rooms.py")
            continue
        for number, other in includes(path):
            here, there = room(path), room(other)
            if here != there and FLOOR.get(there, -1) >= FLOOR[here]:
                wrong.append(f"{path}:{number}: {here} must not include {other}")
    for name, most in BUDGET.items():
        if lines[name] > most:
            wrong.append(f"{name}: {lines[name]} lines are over the budget of {most}; delete some")
    print("\n".join(wrong) or "lines: " + ", ".join(f"{n} {lines[n]}" for n in sorted(lines)))
    return 1 if wrong else 0


def picture():
    arrows, lines = collections.Counter(), collections.Counter()
    for path in sources():
        with open(path, encoding="utf-8") as file:
            lines[room(path)] += sum(1 for _ in file)
        for _, other in includes(path):
            if room(path) != room(other):
                arrows[room(path), room(other)] += 1
    dot = ["digraph yonder {", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for rooms in FLOORS:
        dot.append("  { rank=same; " + " ".join(f'"{r}"' for r in rooms) + " }")
    dot += [f'  "{r}" [label="{r}\\n{n} lines"];' for r, n in sorted(lines.items())]
    dot += [f'  "{a}" -> "{b}" [label={n}];' for (a, b), n in sorted(arrows.items())]
    text = "\n".join(dot) + "\n}\n"
    if shutil.which("dot"):
        text = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True,
                              check=True).stdout
    print(text, end="")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    sys.exit(check() if sys.argv[1:] else picture())
