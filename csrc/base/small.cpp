#include "base/small.h"

#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace sf {
namespace {

constexpr size_t kStep = 32;  // bytes; sizes are rounded up to a multiple
constexpr size_t kSizes = 16;
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kKept = 0;  // every use after free is to be seen
#else
constexpr size_t kKept = 1 << 20;  // bytes of a size: graphs of thousands of nodes
#endif

struct Block {
  Block* next;
};

// Trivial, so that it can be used until the last moment of a thread.
struct Cache {
  Block* first[kSizes];
  size_t kept[kSizes];  // bytes
  bool cleaned;         // at the end of the thread, or about to be
  bool closed;
};
thread_local constinit Cache cache{};

struct Cleaner {
  ~Cleaner() {
    cache.closed = true;
    for (Block*& first : cache.first) {
      while (first) std::free(std::exchange(first, first->next));
    }
  }
};

void clean_at_thread_exit() {
  thread_local const Cleaner cleaner;
  cache.cleaned = true;
}

// Which list holds blocks of this many bytes; kSizes or more for none.
size_t list_of(size_t bytes) { return (bytes - 1) / kStep; }
size_t size_of_list(size_t i) { return (i + 1) * kStep; }

}  // namespace

void* small_allocate(size_t bytes) {
  const size_t i = list_of(bytes);
  if (i < kSizes && cache.first[i]) {
    cache.kept[i] -= size_of_list(i);
    return std::exchange(cache.first[i], cache.first[i]->next);
  }
  void* block = std::malloc(i < kSizes ? size_of_list(i) : bytes);
  if (!block) throw std::bad_alloc();
  return block;
}

void small_free(void* block, size_t bytes) noexcept {
  const size_t i = list_of(bytes);
  if (i >= kSizes || cache.kept[i] >= kKept || cache.closed) return std::free(block);
  if (!cache.cleaned) clean_at_thread_exit();
  cache.kept[i] += size_of_list(i);
  cache.first[i] = new (block) Block{cache.first[i]};
}

}  // namespace sf
