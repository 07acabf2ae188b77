#!/usr/bin/env bash
# Trains seven encodings on 64 bytes of the King James Bible and tests them on up to 1024: installs
# what is missing, builds, trains, prints the table. Run again it skips what is done; --force
# trains anew.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/install

corpus=build/kjv.txt

# One verse a line, without its number. The program greets with a verse: the first line is dropped.
print_bible() {
  printf 'gen1:1-rev22:21\nq\n' | bible -f |
    sed -nE 's/^[0-9]?[A-Z][A-Za-z]*[0-9]+:[0-9]+ //p' | tail -n +2 >"$corpus.part" &&
    [ "$(wc -l <"$corpus.part")" = 31102 ] && mv "$corpus.part" "$corpus"
}

install "${needed[@]}" bible-kjv
build release yonder
[ -e "$corpus" ] || step "print the bible" print_bible

resume=()
[ ! -d runs/demo ] || [[ " $* " = *" --force "* ]] || resume=(--resume)
exec build/release/yonder ablate --task text --text "$corpus" \
  --encodings none,learned,sinusoidal,rope,rope:rope.scaling=yarn,rope:window.size=0,alibi,t5,kerple \
  --length 64 --lengths 64,128,256,512,1024 --seeds 3 --width 64 --heads 4 --layers 2 \
  --batch 32 --steps 1000 --lr 3e-3 --out runs/demo "${resume[@]}" "$@"
