#!/usr/bin/env bash
# tests/scripts/install.sh BUILD ENCODING.cpp: installs the build in folder BUILD into a temporary
# folder. A one-file project that registers an encoding must then find the package there and train
# with it, and so must a program with its own main(), through pkg-config if that is installed.
set -euo pipefail
build=$(realpath "$1") encoding=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cmake --install "$build" --prefix "$folder/usr" >install.log
for file in bin/yonder share/man/man1/yonder.1 share/bash-completion/completions/yonder \
  share/zsh/site-functions/_yonder share/fish/vendor_completions.d/yonder.fish; do
  [ -s "usr/$file" ] || { echo "FAIL: $file is not installed"; exit 1; }
done
usr/bin/yonder --version

# try PROGRAM NAME: checks that it lists the encoding, trains with it, and has built-in ones too.
try() {
  "$1" list encodings | grep -qE '^ *gauss ' || { echo "FAIL: $1 does not know gauss"; exit 1; }
  "$1" train --task copy --encoding gauss+logn --train-length 4 --width 8 --heads 2 --layers 1 --batch 2 \
    --steps 5 --threads 1 --quiet --out "run-$2"
  "$1" eval "run-$2" --eval-lengths 4,8 >/dev/null
}

mkdir project
cp "$encoding" project/gauss.cpp
cat >project/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(mine LANGUAGES CXX)
find_package(yonder 0.2 REQUIRED)
add_executable(mine gauss.cpp)
target_link_libraries(mine PRIVATE yonder::main)
CMAKE
cmake -G Ninja -S project -B project/build -DCMAKE_PREFIX_PATH="$folder/usr" >configure.log
cmake --build project/build >build.log || { cat build.log; exit 1; }
try project/build/mine cmake

if command -v pkg-config >/dev/null; then
  cat >own.cpp <<'CPP'
#include "train/cli/program.h"

int main(int count, char** words) { return yonder::run_program(count, words); }
CPP
  export PKG_CONFIG_PATH
  PKG_CONFIG_PATH=$(dirname "$(find usr -name yonder.pc)")
  # shellcheck disable=SC2046
  g++ own.cpp project/gauss.cpp $(pkg-config --cflags --libs yonder) -o own
  try ./own pkg-config
fi
echo "PASS"
