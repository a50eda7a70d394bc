// The state of a counter-based random stream. Kernels compute number i of a draw from
// (seed, draw, i) with Philox, so that numbers do not depend on threads or on what was drawn
// before.
#pragma once
#include <cstdint>

#include "base/fork_mutex.h"
#include "base/ref.h"

namespace sf {

struct RandomKey {
  uint64_t seed;
  uint64_t draw;  // serial number of the draw
};

class Generator : public RefCounted {
 public:
  explicit Generator(uint64_t seed = kDefaultSeed) : key_{seed, 0} {}

  // The key of the next draw.
  RandomKey next() {
    const std::lock_guard lock(mutex_);
    return {key_.seed, key_.draw++};
  }
  RandomKey state() const {
    const std::lock_guard lock(mutex_);
    return key_;
  }
  void set_state(RandomKey key) {
    const std::lock_guard lock(mutex_);
    key_ = key;
  }
  void manual_seed(uint64_t seed) { set_state({seed, 0}); }

  static constexpr uint64_t kDefaultSeed = 0;

 private:
  std::mutex& mutex_ = fork_mutex(ForkRank::kGenerator, this);
  RandomKey key_;
};

Generator& default_generator();

}  // namespace sf
