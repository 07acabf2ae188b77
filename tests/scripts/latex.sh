#!/usr/bin/env bash
# tests/scripts/latex.sh [--binary PATH]: a small sweep's tables compile and fit a column (a page if
# they have a spread), and its TikZ figures compile. Exits with 77 (CTest: skipped) without pdflatex
# (texlive-latex-base) and booktabs; figures need pgfplots (texlive-pictures) too.
set -euo pipefail

. "$(dirname "$0")/rounds.sh"
has() { kpsewhich "$1" >/dev/null 2>&1; }
if ! command -v pdflatex >/dev/null || ! has booktabs.sty; then
  echo "$0: there is no pdflatex with booktabs; apt-get install texlive-latex-recommended"
  exit 77
fi

cd "$folder"
"$yonder" sweep --task copy --encodings none,alibi,rope,rope:rope.scaling=yarn --train-length 4 \
  --eval-lengths 4,8,16,32,64 --width 16 --heads 2 --layers 1 --batch 8 --steps 20 --seeds 2 \
  --quiet --out run >/dev/null

compile() {
  pdflatex -interaction=nonstopmode -halt-on-error "$1" >/dev/null || { tail -n 20 "${1%.tex}.log"; exit 1; }
}
for spread in none range sd; do
  "$yonder" report run --format latex --spread $spread --out tables.tex
  columns=twocolumn
  [ $spread = none ] || columns=onecolumn
  cat >paper.tex <<PAPER
\documentclass[$columns]{article}
\usepackage{booktabs}
\begin{document}
\input{tables}
See Table~\ref{tab:yonder-copy-exact-match}.
\end{document}
PAPER
  compile paper.tex
  compile paper.tex
  if grep -E 'Overfull|undefined' paper.log; then exit 1; fi
  grep -q '\\textbf' tables.tex
  grep -q 'RoPE + YaRN' tables.tex
done

if has pgfplots.sty && has standalone.cls; then
  "$yonder" report run --figures tikz --out figures >/dev/null
  cd figures
  for figure in *.tex; do compile "$figure"; done
fi
