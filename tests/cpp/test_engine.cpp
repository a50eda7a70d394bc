// The tape without Python: order, accumulation, release, versions.
#include "autograd/engine.h"
#include "autograd/record.h"
#include "base/memory.h"
#include "check.h"
#include "tensor/create.h"

namespace {

using namespace sf;

Tensor leaf(double value) {
  Tensor t = full({}, value, Dtype::kFloat64);
  set_requires_grad(t, true);
  return t;
}

// x * factor by hand, so that this file needs no op.
Tensor scale(const Tensor& x, double factor) {
  Tensor out = full({}, item_as_double(x) * factor, x.dtype());
  return record("scale", out, {&x}, {&x}, [factor](const Backward& b) -> Grads {
    (void)b.saved(0);
    return {scale(b.grad(), factor)};
  });
}

Tensor sum(const Tensor& a, const Tensor& b) { return add_grads(a, b, true); }

TEST(engine_accumulates_over_paths_and_calls) {
  const Tensor x = leaf(2);
  const Tensor y = sum(scale(x, 3), scale(x, 5));
  backward({y}, {}, true);
  CHECK(item_as_double(grad_of(x)) == 8);
  backward({y}, {}, false);
  CHECK(item_as_double(grad_of(x)) == 16);
  CHECK_THROWS(RuntimeError, backward({y}, {}, false));  // freed
}

TEST(engine_grad_leaves_leaves_alone) {
  const Tensor x = leaf(2);
  const Tensor unused = leaf(1);
  const Tensor y = scale(x, 3);
  const auto grads = grad({scale(y, 2)}, {x, y}, {}, {.create_graph = true});
  CHECK(item_as_double(grads[0]) == 6);
  CHECK(item_as_double(grads[1]) == 2);
  CHECK(!grad_of(x).defined());
  CHECK_THROWS(RuntimeError, grad({scale(x, 2)}, {unused}, {}, {}));
  const auto none = grad({scale(x, 2)}, {unused}, {}, {.allow_unused = true});
  CHECK(!none[0].defined());
}

TEST(engine_long_chain_is_walked_and_released_without_recursion) {
  constexpr int kLength = 200000;
  const MemoryStats before = memory_stats();
  {
    const Tensor x = leaf(1);
    Tensor y = x;
    for (int i = 0; i < kLength; ++i) y = scale(y, 1);
    backward({y}, {}, false);
    CHECK(item_as_double(grad_of(x)) == 1);
    Tensor z = x;  // released without having been walked
    for (int i = 0; i < kLength; ++i) z = scale(z, 1);
  }
  CHECK(memory_stats().allocated_bytes == before.allocated_bytes);
}

TEST(engine_refuses_a_saved_tensor_that_changed) {
  const Tensor x = leaf(1);
  const Tensor y = scale(x, 2);
  x.storage()->bump("add_");
  CHECK_THROWS(RuntimeError, backward({y}, {}, false));
}

TEST(engine_records_nothing_without_need) {
  const Tensor constant = full({}, 1, Dtype::kFloat64);
  CHECK(!requires_grad(scale(constant, 2)));
  const GradModeGuard off(false);
  CHECK(!requires_grad(scale(leaf(1), 2)));
}

TEST(engine_hooks_see_and_replace_gradients) {
  const Tensor x = leaf(1);
  const Tensor y = scale(x, 2);
  retain_grad(y);
  const uint64_t id = add_hook(y, [](const Tensor& g) { return scale(g, 10); });
  backward({scale(y, 3)}, {}, false);
  CHECK(item_as_double(grad_of(y)) == 30);
  CHECK(item_as_double(grad_of(x)) == 60);
  remove_hook(*gradient_edge(y).node, id);
  CHECK(gradient_edge(y).node->hooks.empty());
}

TEST(pool_reuses_blocks_and_survives_failure) {
  pool_release_cached();
  void* block = pool_allocate(1000);
  CHECK(reinterpret_cast<uintptr_t>(block) % kAlignment == 0);
  pool_free(block, 1000);
  const int64_t system = memory_stats().num_system_allocations;
  void* again = pool_allocate(1001);  // the same size class
  CHECK(again == block);
  CHECK(memory_stats().num_system_allocations == system);
  pool_free(again, 1001);
  fail_allocation_after(0);
  CHECK_THROWS(MemoryError, pool_allocate(10));
  CHECK_THROWS(MemoryError, pool_allocate(int64_t{1} << 60));
  CHECK_THROWS(ValueError, empty({int64_t{1} << 40, int64_t{1} << 40}, Dtype::kFloat32));
}

}  // namespace
