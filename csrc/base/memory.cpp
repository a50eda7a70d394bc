#include "base/memory.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/fork_mutex.h"

namespace sf {
namespace {

// Size classes: four per power of two from 64 bytes up, so that rounding wastes at most a quarter.
constexpr int kNumClasses = 4 * 48;

struct SizeClass {
  int index;
  int64_t bytes;
};

SizeClass size_class(int64_t bytes) {
  const auto want = static_cast<uint64_t>(std::max(bytes, kAlignment));
  const int log = std::bit_width(want - 1);  // want <= 2^log
  const int step =
      std::max(log - 3, std::countr_zero(static_cast<uint64_t>(kAlignment)));  // 2^step
  const uint64_t steps = (want - 1) >> step;  // whole ones before the last
  return {log * 4 + static_cast<int>(steps % 4), static_cast<int64_t>((steps + 1) << step)};
}

struct Pool {
  std::mutex& mutex = fork_mutex(ForkRank::kPool);
  std::array<std::vector<void*>, kNumClasses> free_blocks;
  MemoryStats stats{};
  int64_t fail_after = -1;

  void release_cached() {
    for (auto& blocks : free_blocks) {
      for (void* block : blocks) std::free(block);
      blocks.clear();
    }
    stats.cached_bytes = 0;
  }
};

// Never destroyed: tensors that live until the process ends still give their memory back.
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

}  // namespace

void* pool_allocate(int64_t bytes) {
  const SizeClass cls = size_class(bytes);
  Pool& p = pool();
  if (static_cast<size_t>(cls.index) >= p.free_blocks.size()) {  // beyond any address space
    throw MemoryError("could not allocate ", bytes, " bytes");
  }
  const std::lock_guard lock(p.mutex);
  if (p.fail_after >= 0 && p.fail_after-- == 0) {
    throw MemoryError("could not allocate ", bytes, " bytes (failure asked for by a test)");
  }
  void* block = nullptr;
  if (auto& blocks = p.free_blocks[static_cast<size_t>(cls.index)]; !blocks.empty()) {
    block = blocks.back();
    blocks.pop_back();
    p.stats.cached_bytes -= cls.bytes;
  } else {
    const auto size = static_cast<size_t>(cls.bytes);
    block = std::aligned_alloc(kAlignment, size);
    if (!block) {
      p.release_cached();
      block = std::aligned_alloc(kAlignment, size);
    }
    if (!block) throw MemoryError("could not allocate ", bytes, " bytes");
    ++p.stats.num_system_allocations;
  }
  ++p.stats.num_allocations;
  p.stats.allocated_bytes += cls.bytes;
  p.stats.peak_allocated_bytes = std::max(p.stats.peak_allocated_bytes, p.stats.allocated_bytes);
  return block;
}

void pool_free(void* block, int64_t bytes) noexcept {
  const SizeClass cls = size_class(bytes);
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  p.stats.allocated_bytes -= cls.bytes;
  try {
    p.free_blocks[static_cast<size_t>(cls.index)].push_back(block);
    p.stats.cached_bytes += cls.bytes;
  } catch (...) {  // no memory for the list entry
    std::free(block);
  }
}

void pool_release_cached() noexcept {
  const std::lock_guard lock(pool().mutex);
  pool().release_cached();
}

MemoryStats memory_stats() {
  const std::lock_guard lock(pool().mutex);
  return pool().stats;
}

void reset_peak_memory() {
  const std::lock_guard lock(pool().mutex);
  pool().stats.peak_allocated_bytes = pool().stats.allocated_bytes;
}

void fail_allocation_after(int64_t k) {
  const std::lock_guard lock(pool().mutex);
  pool().fail_after = k;
}

}  // namespace sf
