// The pool every tensor's memory comes from: 64-byte-aligned blocks, cached by size class.
#pragma once
#include <cstdint>

namespace sf {

constexpr int64_t kAlignment = 64;

// At least `bytes` bytes, uninitialised; MemoryError when the system has none left, after the
// cached blocks have been given back.
void* pool_allocate(int64_t bytes);
void pool_free(void* block, int64_t bytes) noexcept;  // `bytes` as given to pool_allocate
void pool_release_cached() noexcept;                  // free blocks go back to the system

struct MemoryStats {
  int64_t allocated_bytes;       // in live blocks, size-class rounding included
  int64_t peak_allocated_bytes;  // largest allocated_bytes since the last reset
  int64_t cached_bytes;          // in free blocks
  int64_t num_allocations;       // calls of pool_allocate so far
  int64_t num_system_allocations;
};
MemoryStats memory_stats();
void reset_peak_memory();

// Test hook: the k-th pool_allocate from now on throws MemoryError (0 is the next); -1 disarms.
void fail_allocation_after(int64_t k);

}  // namespace sf
