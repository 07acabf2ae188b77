# Sourced by tests that need Python. python_with MODULE: sets `python` to an interpreter that has
# MODULE, or exits with 77 (CTest: skipped).
python_with() {
  for python in python3 /usr/bin/python3; do
    if "$python" -c "import $1" 2>/dev/null; then return; fi
  done
  echo "$0: no python3 has $1; apt-get install python3-$1"
  exit 77
}
