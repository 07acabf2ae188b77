# Sourced by scripts that take [--rounds R] [--binary PATH]. Sets `rounds` and `yonder` (defaults
# may be set before), the random seed (from YONDER_SEED if set) and a temporary `folder`.
rounds=${rounds:-}
yonder=${yonder:-$(dirname "$0")/../../build/release/yonder}
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --binary) yonder=$2 ;;
    *) echo "$0: there is no $1; it takes --rounds R and --binary PATH" >&2; exit 2 ;;
  esac
  shift 2
done
yonder=$(realpath "$yonder")
RANDOM=${YONDER_SEED:=$RANDOM}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# fail SENTENCE: prints it and the end of $folder/log, and exits with 1.
fail() {
  echo "$* (YONDER_SEED=$YONDER_SEED)" >&2
  [ ! -e "$folder/log" ] || tail -n 20 "$folder/log" >&2
  exit 1
}
