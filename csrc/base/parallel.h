// The door to threads, which OpenMP starts (base/team.h): the only way to use them.
#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>

namespace sf {

// min(affinity mask, cgroup CPU quota), or what set_num_threads asked for; 1 after fork in a child.
int num_threads();
void set_num_threads(int n);  // ValueError unless 1 <= n <= 1024

// How many threads a job that starts now would have: 1 within a job, and while others on the
// machine hold threads up so much that more than one does not pay (base/ledger.h).
int threads_at_hand();

namespace detail {
using ChunkFn = void (*)(void* context, int64_t chunk);
void parallel_for(int64_t chunks, ChunkFn fn, void* context);
}  // namespace detail

// Calls fn(chunk) once for every chunk in [0, chunks), on several threads when chunks > 1; chunks
// are claimed in any order, so callers make them a function of the shape only and combine partial
// results in index order. fn must not throw. Nested calls run on the calling thread.
template <class F>
void parallel_for(int64_t chunks, F&& fn) {
  using Fn = std::remove_reference_t<F>;
  if (chunks <= 1) {
    if (chunks == 1) fn(int64_t{0});
    return;
  }
  detail::parallel_for(
      chunks, [](void* context, int64_t chunk) { (*static_cast<Fn*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(std::addressof(fn))));
}

// Chunks of `size` items cut out of n: chunk i is [begin(i), end(i)).
struct Chunks {
  int64_t n, size;
  int64_t count() const { return (n + size - 1) / size; }
  int64_t begin(int64_t i) const { return i * size; }
  int64_t end(int64_t i) const { return i * size + size < n ? i * size + size : n; }
};

}  // namespace sf
