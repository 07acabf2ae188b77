#include "core/tensor_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace yonder::pool {
namespace {

// Under the address sanitizer only what was requested may be touched: neither the padding that
// rounding adds nor unused blocks.
#ifdef __SANITIZE_ADDRESS__
void forbid(const void* from, std::size_t bytes) { __asan_poison_memory_region(from, bytes); }
void allow(const void* from, std::size_t bytes) { __asan_unpoison_memory_region(from, bytes); }
#else
void forbid(const void*, std::size_t) {}
void allow(const void*, std::size_t) {}
#endif

constexpr std::size_t alignment = 64;

// Large blocks request 2 MiB pages, if the kernel provides them: fewer faults at the first touch,
// fewer TLB misses after it.
constexpr std::size_t huge_page = std::size_t(2) << 20;

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes >= 2 * huge_page ? huge_page : alignment};
}

real* allocate(std::size_t bytes) {
  void* const block = ::operator new(bytes, alignment_of(bytes));
#ifdef MADV_HUGEPAGE
  if (bytes >= 2 * huge_page) madvise(block, bytes / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return static_cast<real*>(block);
}

// Sizes are rounded up to one of eight steps between powers of two: at most 1/8 is wasted, and
// batches of slightly different lengths share their blocks.
std::size_t rounded(std::size_t bytes) {
  if (bytes <= 512) return 512;
  const std::size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

struct Pool {
  std::mutex guard;
  std::map<std::size_t, std::vector<real*>> unused;  // by size in bytes
  std::size_t live = 0, peak = 0, system = 0;

  real* get(std::size_t bytes) {
    const std::lock_guard lock(guard);
    live += bytes;
    peak = std::max(peak, live);
    if (auto it = unused.find(bytes); it != unused.end() && !it->second.empty()) {
      real* block = it->second.back();
      it->second.pop_back();
      return block;
    }
    system += bytes;
    return allocate(bytes);
  }

  void put(real* block, std::size_t bytes) {
    const std::lock_guard lock(guard);
    forbid(block, bytes);
    live -= bytes;
    unused[bytes].push_back(block);
  }

  std::size_t read(std::size_t Pool::*bytes) {
    const std::lock_guard lock(guard);
    return this->*bytes;
  }
};

// Never destroyed: tensors of static duration may outlive any static pool.
Pool& pool() {
  static Pool* const the = new Pool;
  return *the;
}

}  // namespace

std::shared_ptr<real[]> take(std::size_t count) {
  const std::size_t asked = count * sizeof(real), bytes = rounded(asked);
  real* const block = pool().get(bytes);
  allow(block, asked);
  forbid(block + count, bytes - asked);
  return {block, [bytes](real* b) { pool().put(b, bytes); }};
}

std::size_t live_bytes() { return pool().read(&Pool::live); }
std::size_t peak_bytes() { return pool().read(&Pool::peak); }
std::size_t system_bytes() { return pool().read(&Pool::system); }
void reset_peak() {
  const std::lock_guard lock(pool().guard);
  pool().peak = pool().live;
}

void release() {
  const std::lock_guard lock(pool().guard);
  for (auto& [bytes, blocks] : pool().unused)
    for (real* block : blocks) {
      allow(block, bytes);
      ::operator delete(block, alignment_of(bytes));
      pool().system -= bytes;
    }
  pool().unused.clear();
}

}  // namespace yonder::pool
