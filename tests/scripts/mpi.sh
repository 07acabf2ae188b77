#!/usr/bin/env bash
# tests/scripts/mpi.sh [--rounds R] [--binary PATH]: checks that mpirun changes and loses nothing.
# Trains one model and one sweep without MPI, then on 1 to 4 ranks, in one folder and in folders
# that are not shared; R times, each is killed with SIGKILL five times at random moments and resumed
# by another number of ranks. Compares the bytes. YONDER_SEED reproduces a choice of times.
set -euo pipefail

rounds=1
. "$(dirname "$0")/rounds.sh"
cd "$folder"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
run=(mpirun --oversubscribe)

# expect CODE COMMAND…: fails unless it exits with CODE; its output goes to $folder/log.
expect() {
  local wanted=$1 code=0
  shift
  "$@" >"$folder/log" 2>&1 || code=$?
  [ $code = "$wanted" ] || fail "ended with $code and not $wanted: $*"
}

says() { grep -qF -- "$1" log || fail "it does not say: $1"; }

# same A B: the same files, and the same bytes in models, results, configurations and LATEST.
same() {
  [ "$(cd "$1" && find . -type f | sort)" = "$(cd "$2" && find . -type f | sort)" ] ||
    fail "$2 has other files than $1: $(diff <(cd "$1" && find . | sort) <(cd "$2" && find . | sort))"
  local file
  while read -r file; do
    cmp "$1/$file" "$2/$file" || fail "$2/$file has other bytes than $1"
  done < <(cd "$1" && find . -name '*.safetensors' -o -name results.csv -o -name LATEST -o -name config.toml)
}

train=("$yonder" train --quiet --task copy --train-length 8 --width 32 --heads 2 --layers 2 --batch 20
  --steps 150 --warmup 5 --checkpoint-minutes 0.002 --encoding rope+random)
sweep=("$yonder" sweep --quiet --task copy --encodings "rope,rope:rope.scaling=yarn,t5,floater"
  --set train.lr=1e-3,3e-3 --train-length 4 --eval-lengths 4,8 --width 32 --layers 2 --batch 16 --steps 150
  --seeds 2 --checkpoints 2 --checkpoint-minutes 0.002)

# Any number of ranks has to equal one process with 16 shards.
expect 0 "${train[@]}" --shards 16 --out train-alone
for n in 1 2 3 4; do
  expect 0 "${run[@]}" -n $n "${train[@]}" --out train-$n
  same train-alone train-$n
done
echo "training: 1, 2, 3 and 4 ranks write the bytes of one process"

expect 0 "${sweep[@]}" --out sweep-alone
for n in 1 2 4; do
  expect 0 "${run[@]}" -n $n "${sweep[@]}" --out sweep-$n
  same sweep-alone sweep-$n
done
mkdir one two
expect 0 "${run[@]}" -wdir one -n 1 "${sweep[@]}" --out sweep : -wdir two -n 2 "${sweep[@]}" --out sweep
same sweep-alone one/sweep
[ ! -e two/sweep ] || fail "a rank that does not see the folder has made one of its own"
echo "sweep: 1, 2 and 4 ranks write the bytes of one process, in one folder or in several"

expect 2 "${run[@]}" -n 2 "$yonder" eval train-1 --eval-lengths 8
says "does not run on several ranks"
expect 2 "${run[@]}" -n 1 "${train[@]}" --out other : -n 1 "${sweep[@]}" --out other
says "the command of rank 0 has 'train' and that of rank 1 'sweep'"
expect 2 "${run[@]}" -n 1 "${train[@]}" --out other : -n 1 "$yonder" train --resume other
says "the command of rank 0 has '--batch' and that of rank 1 '--resume'"
expect 2 "${run[@]}" -n 1 "${train[@]}" --out other : -n 1 "${train[@]}" --width 64 --out other
says "the configuration of rank 0 has 'width = 32' and that of rank 1 'width = 64'"
cp "$yonder" changed
echo >>changed
expect 2 "${run[@]}" -n 1 "${train[@]}" --out other : -n 1 ./changed "${train[@]:1}" --out other
says "the program of rank 0"
expect 2 "${run[@]}" -n 2 "${train[@]}" --out train-1
says "there is already a run"
[ "$(grep -c 'there is already a run' log)" = 1 ] || fail "more than one rank says it"
expect 4 "${run[@]}" -n 2 "${train[@]}" --lr 1e30 --grad-clip 0 --warmup 0 --out other
says "diverged at step"
expect 0 "${run[@]}" -n 3 "$yonder" train --task copy --train-length 4 --width 16 --heads 2 --layers 1 \
  --batch 2 --steps 2 --out few
says "1 of 3 ranks have nothing to do: a batch is 2 shards"
expect 0 "${run[@]}" -n 2 "${train[@]}" --allreduce fast --out fast
grep -q 'may differ with the number of ranks' fast/environment.json || fail "fast leaves no word"
echo "refused or said: other work, configurations and programs, a run that is there, idle ranks"

# A signal saves, and another number of ranks resumes. More ranks than cores would mostly wait.
long=("${train[@]}" --steps 500 --checkpoint-minutes 0)
"${run[@]}" -n 2 "${long[@]}" --out signal >log 2>&1 &
job=$! code=0
until [ -e signal/metrics.jsonl ]; do sleep 0.05; done
kill -USR1 $job
wait $job || code=$?
[ $code = 75 ] || fail "ended with $code after SIGUSR1"
says "training: ended by a signal and saved at step"
expect 0 "${run[@]}" -n 1 "$yonder" train --quiet --resume signal
expect 0 "${long[@]}" --shards 16 --out whole
same whole signal
echo "SIGUSR1 ends training with 75, and other ranks go on to the same bytes"

# Half-trained cells come back from an unshared folder, and a rank elsewhere resumes them.
rm -rf one two
mkdir one two
"${run[@]}" -wdir one -n 1 "${sweep[@]}" --out sweep : -wdir two -n 2 "${sweep[@]}" --out sweep \
  >log 2>&1 &
job=$! code=0
until compgen -G "one/sweep/cells/*/trial.json" >/dev/null; do sleep 0.05; done
kill -USR1 $job
wait $job || code=$?
[ $code = 75 ] || fail "ended with $code after SIGUSR1"
[ -n "$(find one/sweep/cells -name '*.state.safetensors')" ] || fail "nothing half trained came back"
"$yonder" show one/sweep | grep -q 'last line stopped and saved' || fail "show says nothing of it"
expect 0 "${run[@]}" -wdir one -n 1 "${sweep[@]}" --out sweep --resume : \
  -wdir two -n 3 "${sweep[@]}" --out sweep --resume
same sweep-alone one/sweep
echo "SIGUSR1 brings back cells that are half trained, and ranks elsewhere go on with them"

# A rank or mpirun itself is killed five times; then the job is resumed and must finish.
for ((round = 1; round <= rounds; ++round)); do
  for kind in train sweep; do
    rm -rf killed
    kills=0
    for ((i = 0; i < 60; ++i)); do
      command=("${sweep[@]}" --out killed --resume)
      if [ $kind = train ]; then
        command=("${train[@]}" --out killed --force)
        ! compgen -G "killed/checkpoints/step-*.json" >/dev/null ||
          command=("$yonder" train --quiet --resume killed)
      fi
      "${run[@]}" -n $((RANDOM % 4 + 1)) "${command[@]}" >log 2>&1 &
      job=$!
      if [ $kills -lt 5 ]; then
        sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
        victim=$job
        mapfile -t ranks < <(pgrep -P $job -f "$yonder" || true)
        [ $((RANDOM % 4)) = 0 ] || [ ${#ranks[@]} = 0 ] || victim=${ranks[RANDOM % ${#ranks[@]}]}
        kill -KILL "$victim" 2>/dev/null || true
      fi
      began=$SECONDS code=0
      wait $job 2>/dev/null || code=$?
      [ $code != 0 ] || break
      kills=$((kills + 1))
      [ $((SECONDS - began)) -le 10 ] || fail "$kind: the job went on for $((SECONDS - began)) s"
      [ $kills -le 5 ] || fail "$kind: ended with $code though nobody killed it"
      # Ranks that outlive their mpirun save and exit.
      until ! pgrep -f -- "$yonder .*(--out|--resume) killed" >/dev/null; do
        [ $((SECONDS - began)) -le 10 ] || fail "$kind: ranks went on for $((SECONDS - began)) s"
        sleep 0.1
      done
    done
    [ $code = 0 ] || fail "$kind: no end"
    if [ $kind = train ]; then same train-alone killed; else same sweep-alone killed; fi
    echo "round $round of $rounds: $kind is the same after $kills kills"
  done
done
