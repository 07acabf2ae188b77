#!/usr/bin/env bash
# tests/scripts/extra.sh SOURCE FILE: checks that CMake adds an encoding from a folder elsewhere
# (YONDER_EXTRA) to the others, and refuses a folder without one. Configures, but builds nothing.
set -euo pipefail

source=$(realpath "$1") file=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/mine" "$folder/empty"
cp "$file" "$folder/mine/"
configure() {
  cmake -S "$source" -B "$folder/build" -G Ninja -DYONDER_TESTS=OFF -DYONDER_MPI=OFF \
    -DYONDER_UNITY=OFF -DYONDER_EXTRA="$1" >"$folder/said" 2>&1
}
configure "$folder/mine" || { cat "$folder/said"; exit 1; }
ninja -C "$folder/build" -t query yonder >"$folder/inputs"  # no pipe: grep -q would close it early
grep -q "yonder_f32_encodings.*$(basename "$file").o" "$folder/inputs"
if configure "$folder/empty"; then exit 1; fi
grep -q 'has no .cpp file' "$folder/said"
