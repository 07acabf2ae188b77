#include "core/tensor_pool.h"

#include <cstdint>
#include <vector>

#include "core/ops/ops.h"
#include "core/parallel.h"
#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;

TEST_CASE("the pool reuses a freed block and counts it as live only while it is owned") {
  pool::release();
  const std::size_t live = pool::live_bytes(), system = pool::system_bytes();
  CHECK(live == system);  // nothing unused is kept after release()
  pool::reset_peak();
  auto block = pool::take(1000);
  const real* const place = block.get();
  const std::size_t taken = pool::live_bytes() - live;
  CHECK(taken >= 1000 * sizeof(real));
  CHECK(taken <= 1000 * sizeof(real) * 9 / 8);  // rounding adds at most an eighth
  CHECK(pool::peak_bytes() == live + taken);
  CHECK(pool::system_bytes() == system + taken);

  block.reset();
  CHECK(pool::live_bytes() == live);
  CHECK(pool::peak_bytes() == live + taken);
  CHECK(pool::system_bytes() == system + taken);

  block = pool::take(1001);  // of the same rounded size
  CHECK(block.get() == place);
  const auto other = pool::take(1000);
  CHECK(other.get() != place);
  CHECK(pool::system_bytes() == system + 2 * taken);

  block.reset();
  pool::release();
  CHECK(pool::system_bytes() == system + taken);
  pool::reset_peak();
  CHECK(pool::peak_bytes() == pool::live_bytes());
}

TEST_CASE("blocks of the pool are aligned to 64 bytes, even empty ones") {
  for (const std::size_t count : {0, 1, 3, 65, 100, 1000, 12345}) {
    const auto block = pool::take(count);
    CHECK(reinterpret_cast<std::uintptr_t>(block.get()) % 64 == 0);
  }
}

TEST_CASE("threads may take and free blocks at the same time") {
  const std::size_t live = pool::live_bytes();
  const int before = threads();
  set_threads(4);
  std::vector<int> intact(2000);
  parallel_for(2000, [&](std::int64_t i) {
    const Tensor t = Tensor::uninitialized({int(i % 50) + 1});
    for (real& x : t.flat()) x = real(i);
    bool same = true;
    for (const real x : t.flat()) same = same && x == real(i);
    intact[i] = same;
  });
  set_threads(before);
  CHECK(intact == std::vector<int>(2000, 1));
  CHECK(pool::live_bytes() == live);
}

TEST_CASE("a second identical step allocates nothing from the system and leaks nothing") {
  const Var x(normal({64, 32})), w = Var::parameter(normal({48, 32})),
                                 b = Var::parameter(normal({48})),
                                 head = Var::parameter(normal({10, 48}));
  std::vector<int> targets(64, 3);
  const auto step = [&] {
    Tape tape;
    tape.backward(cross_entropy(linear(gelu(layer_norm(linear(x, w), b, b)), head), targets));
    for (const Var& p : {w, b, head}) p.gradient().clear();
  };
  step();
  const std::size_t live = pool::live_bytes(), system = pool::system_bytes();
  pool::reset_peak();
  step();
  const std::size_t peak = pool::peak_bytes();
  pool::reset_peak();
  step();
  CHECK(pool::system_bytes() == system);
  CHECK(pool::live_bytes() == live);
  CHECK(pool::peak_bytes() == peak);
}
