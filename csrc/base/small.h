// Memory for the small objects that come and go with every op: a thread keeps what it frees, by
// size, and hands it out again. The C library's cache holds seven blocks of a size; a graph frees
// hundreds at once.
#pragma once
#include <cstddef>
#include <vector>

namespace sf {

void* small_allocate(size_t bytes);  // aligned as by malloc; std::bad_alloc
void small_free(void* block, size_t bytes) noexcept;

template <class T>
struct SmallAllocator {
  using value_type = T;
  SmallAllocator() = default;
  template <class U>
  SmallAllocator(const SmallAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(small_allocate(n * sizeof(T))); }
  void deallocate(T* block, size_t n) noexcept { small_free(block, n * sizeof(T)); }
  bool operator==(const SmallAllocator&) const = default;
};

template <class T>
using SmallVector = std::vector<T, SmallAllocator<T>>;

// A base whose objects live in such memory, also when deleted through it.
struct SmallObject {
  static void* operator new(size_t bytes) { return small_allocate(bytes); }
  static void operator delete(void* block, size_t bytes) noexcept { small_free(block, bytes); }
};

}  // namespace sf
