#include "base/fork_mutex.h"

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace sf {
namespace {

constexpr size_t kRanks = static_cast<size_t>(ForkRank::kPool) + 1;
constexpr size_t kOfRank = 16;  // objects share them out, so that few wait for each other

struct Mutexes {
  std::mutex mutex[kRanks][kOfRank];

  void lock() {
    for (auto& rank : mutex) {
      for (std::mutex& one : rank) one.lock();
    }
  }
  void unlock() {
    for (auto& rank : mutex) {
      for (std::mutex& one : rank) one.unlock();
    }
  }
};

Mutexes& mutexes();

// A child is forked while no thread holds one.
Mutexes* new_mutexes() {
  pthread_atfork([] { mutexes().lock(); }, [] { mutexes().unlock(); }, [] { mutexes().unlock(); });
  return new Mutexes;
}

// Never destroyed: tensors that live until the process ends still give their memory back.
Mutexes& mutexes() {
  static Mutexes* instance = new_mutexes();
  return *instance;
}

}  // namespace

std::mutex& fork_mutex(ForkRank rank, const void* object) {
  const auto address = reinterpret_cast<uintptr_t>(object);
  return mutexes().mutex[static_cast<size_t>(rank)][(address >> 4 ^ address >> 9) % kOfRank];
}

}  // namespace sf
