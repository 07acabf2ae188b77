#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/install

# ./test.sh encoding NAME: one encoding against the rules of all, without building the tests.
if [ "${1:-}" = encoding ]; then
  install "${needed[@]}"
  YONDER_CMAKE="${YONDER_CMAKE:-} -DYONDER_TESTS=OFF" build release yonder
  exec build/release/yonder check "${2:?name an encoding}"
fi

install "${tests_needed[@]}"
YONDER_CMAKE="${YONDER_CMAKE:-} -DYONDER_TESTS=ON" build release all
step "run all tests" ctest --preset release -j "$(nproc)" "$@"
grep 'tests passed' build/run-all-tests.log
