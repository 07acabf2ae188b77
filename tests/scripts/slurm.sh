#!/usr/bin/env bash
# tests/scripts/slurm.sh [--binary PATH]: runs a real Slurm on this machine, from Debian's packages
# and without systemd: munged, slurmctld and a slurmd with two processors. Submits a sweep by
# `yonder sweep --slurm --submit`; its time limit stops it once, it requeues itself, and its results
# are compared with those of a plain run. Needs root, as slurmd does.
set -euo pipefail

yonder=$(dirname "$0")/../../build/release/yonder
while [ $# -gt 0 ]; do
  case $1 in
    --binary) yonder=$2 ;;
    *) echo "$0: there is no $1; it takes --binary PATH" >&2; exit 2 ;;
  esac
  shift 2
done
yonder=$(realpath "$yonder")
folder=$(mktemp -d)
chmod 755 "$folder"
cd "$folder"
export SLURM_CONF=$folder/slurm.conf
host=$(hostname -s)

end() {
  scancel --full --signal=KILL --user="$(id -un)" 2>/dev/null || true
  for daemon in slurmd slurmctld munged; do
    [ ! -e $daemon.pid ] || kill "$(cat $daemon.pid)" 2>/dev/null || true
  done
  sleep 1
  rm -rf "$folder"
}
trap end EXIT

fail() {
  echo "$*" >&2
  tail -n 20 ./*.log runs/job-*.log >&2 2>/dev/null || true
  exit 1
}

# wait_for SECONDS COMMAND…: repeats the command until it succeeds, and fails after SECONDS.
wait_for() {
  local last=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $last ] || fail "nothing came of: $*"
    sleep 0.5
  done
}

head -c 1024 /dev/urandom >munge.key
chmod 600 munge.key
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
  --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
mkdir state spool
cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
SlurmctldPort=$((20000 + RANDOM % 10000))
SlurmdPort=$((30000 + RANDOM % 10000))
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=5
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
END
slurmctld
slurmd
wait_for 30 sinfo --noheader --states=idle --format=%n
echo "Slurm is up: $(sinfo --noheader --format='%D machine, %c processors, %t')"

# As many steps as this machine does in 25 s, or more: the signal comes within 30 s of the start,
# and the sweep must not finish before that even if the machine has become less busy.
sweep=("$yonder" sweep --quiet --task copy --encodings rope,alibi,t5 --train-length 8 --eval-lengths 8,16
  --width 32 --layers 2 --batch 16 --seeds 2)
began=${EPOCHREALTIME/[.,]/}
"${sweep[@]}" --steps 200 --threads 2 --out short >/dev/null
took=$((${EPOCHREALTIME/[.,]/} - began))
steps=$((200 * 25000000 / took))
is_cut() { grep -q 'stopped; finished cells are kept' runs/job-*.log; }
for ((attempt = 1; ; ++attempt)); do
  "${sweep[@]}" --steps $steps --out runs --slurm --submit --time 1
  [ "$(grep -c '^#SBATCH' runs/job.sh)" -gt 5 ] || fail "this is no script for sbatch"
  wait_for 60 test -e runs/config.toml
  "$yonder" show runs | grep -E 'status|last line'
  wait_for 90 eval 'is_cut || test -e runs/report.html'
  ! is_cut || break
  [ $attempt -lt 4 ] || fail "$steps steps are over before the time limit cuts them"
  rm -rf runs
  steps=$((3 * steps))
done
sweep+=(--steps "$steps")
echo "cut by its time limit"
job=$(basename runs/job-*.log | tr -dc 0-9)
wait_for 20 sh -c "squeue --noheader --job $job --format=%r | grep -q BeginTime"
# Slurm delays a requeued job by two minutes; it need not wait longer than slurmd remembers that the
# job has ended.
scontrol update JobId="$job" StartTime=now+15 TimeLimit=10
wait_for 200 test -e runs/results.json
wait_for 20 sh -c "! squeue --noheader --job $job | grep -q ."
"$yonder" show runs | grep stands

"${sweep[@]}" --threads 2 --out plain >/dev/null
cmp plain/results.csv runs/results.csv
while read -r file; do
  cmp "plain/$file" "runs/$file"
done < <(cd plain && find . -name '*.safetensors' -o -name DONE)
echo "the job that was cut and queued again ends with the bytes of a plain run"
