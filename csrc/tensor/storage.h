// The memory that tensors are views of, with one version counter for all of them.
#pragma once
#include <functional>

#include "base/memory.h"
#include "base/ref.h"

namespace sf {

class Storage final : public RefCounted {
 public:
  // Memory of its own, from the pool.
  explicit Storage(int64_t bytes) : data_(pool_allocate(bytes)), bytes_(bytes) {}
  // Somebody else's memory; `release` is called when the last view is gone.
  Storage(void* data, int64_t bytes, bool writable, std::function<void()> release)
      : data_(data), bytes_(bytes), writable_(writable), release_(std::move(release)) {}

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  bool writable() const { return writable_; }
  bool pooled() const { return !release_; }  // memory that nobody outside knows

  // Counts in-place changes; `last_change` names the op that made the latest.
  uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  const char* last_change() const { return last_change_; }
  void bump(const char* op) {
    last_change_ = op;
    version_.fetch_add(1, std::memory_order_relaxed);
  }
  // Takes the version above `other`: memory that comes in the place of other memory.
  void raise_version(uint64_t other, const char* op) {
    if (version() > other) return;
    last_change_ = op;
    version_.store(other + 1, std::memory_order_relaxed);
  }
  // Counts those in-place changes that became part of a graph: any other tensor on this memory
  // then has a history that lacks the change (autograd/record.h).
  uint32_t recorded_changes() const { return recorded_changes_.load(std::memory_order_relaxed); }
  uint32_t bump_recorded() { return 1 + recorded_changes_.fetch_add(1, std::memory_order_relaxed); }

 private:
  ~Storage() override {
    if (release_) {
      release_();
    } else {
      pool_free(data_, bytes_);
    }
  }

  void* data_;
  int64_t bytes_;
  bool writable_ = true;
  std::function<void()> release_;
  std::atomic<uint64_t> version_{0};
  std::atomic<uint32_t> recorded_changes_{0};
  const char* last_change_ = "";
};

}  // namespace sf
