# Cross-compiles for 64-bit ARM with Debian's crossbuild-essential-arm64. Libraries of that
# architecture are searched for only in build/arm64-root, where `.ci/run arm64` unpacks them;
# programs run here under qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

cmake_path(SET arm64_root NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-root)
if(NOT EXISTS ${arm64_root}/complete)
  message(FATAL_ERROR "there are no libraries of arm64 in ${arm64_root}: .ci/run arm64 brings them")
endif()
set(CMAKE_FIND_ROOT_PATH ${arm64_root})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(what LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${what} ONLY)
endforeach()
# Paths of this machine mean nothing on the target.
set(CMAKE_SKIP_RPATH TRUE)
# libgomp otherwise spins long at the end of a loop, which qemu makes slower still.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -E GOMP_SPINCOUNT=300 -L ${arm64_root})
