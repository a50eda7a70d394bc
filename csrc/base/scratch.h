// Working memory inside a parallel region, where nothing may throw.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace sf {

// Room for `count` numbers, 64-byte-aligned, kept by each thread and grown on demand; null if there
// is no memory, which the caller reports behind the region. The next call on this thread for the
// same type gives the same room.
template <class T>
T* thread_scratch(int64_t count) {
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<void, Free> memory;
  thread_local size_t held = 0;
  const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
  if (bytes > held) {
    memory.reset();
    held = 0;
    memory.reset(std::aligned_alloc(64, bytes));
    if (memory) held = bytes;
  }
  return static_cast<T*>(memory.get());
}

}  // namespace sf
