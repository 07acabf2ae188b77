#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/install

install "${tests_needed[@]}"
YONDER_CMAKE="${YONDER_CMAKE:-} -DYONDER_TESTS=ON" build release all
step "run all tests" ctest --preset release -j "$(nproc)" "$@"
grep 'tests passed' build/run-all-tests.log
