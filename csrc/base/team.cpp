#include "base/team.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "base/fpstate.h"

namespace sf::team {
namespace {

// The job at hand. Memory of the program, not of the caller: a worker may look at it at any time.
// `fn`, `context` and `chunks` are read by whoever has taken a ticket, and stay until the last
// ticket holder is done.
struct Job {
  ChunkFn fn = nullptr;
  void* context = nullptr;
  int64_t chunks = 0;
  alignas(64) std::atomic<int64_t> tickets{0};  // chunks nobody has taken
  alignas(64) std::atomic<int64_t> unfinished{0};
  alignas(64) std::atomic<uint32_t> posted{0};  // jobs so far: what workers wait on
  std::atomic<int> helpers{0};                  // workers that may take part
};

Job job;
std::mutex owner;  // held by the thread whose job it is
int started = 0;   // workers; guarded by `owner`
std::atomic<int> next_index{0};
thread_local bool working = false;

// Who has nothing to do spins for this long before it sleeps: more than the gap between two ops,
// too little to bother a neighbour. With more threads than CPUs, spinning only keeps others from
// work.
std::chrono::microseconds spin_time() {
  static const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  return std::chrono::microseconds(job.helpers.load(std::memory_order_relaxed) < cpus ? 50 : 0);
}

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Until value != old: spins, then sleeps.
template <class T>
void wait_while_equal(const std::atomic<T>& value, T old) {
  const auto end = std::chrono::steady_clock::now() + spin_time();
  do {
    for (int i = 0; i < 16; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  value.wait(old, std::memory_order_acquire);
}

// Works on chunks until none is left to take.
void take_part() {
  int64_t left = job.tickets.load(std::memory_order_acquire);
  while (left > 0) {
    if (!job.tickets.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) continue;
    job.fn(job.context, job.chunks - left);
    if (job.unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) job.unfinished.notify_one();
    left = job.tickets.load(std::memory_order_acquire);
  }
}

[[noreturn]] void work(int index) {
  const FlushDenormals flush;
  working = true;
  for (uint32_t seen = 0;;) {
    const uint32_t posted = job.posted.load(std::memory_order_acquire);
    if (posted == seen) {
      wait_while_equal(job.posted, seen);
      continue;
    }
    seen = posted;
    if (index < job.helpers.load(std::memory_order_acquire)) take_part();
  }
}

// Starts workers until there are `wanted`; fewer if the system gives no more threads. They live as
// long as the process: there is nothing they could lose.
void start(int wanted) {
  if (started >= wanted) return;
  try {
    std::thread([count = wanted - started] {
#pragma omp parallel num_threads(count)
      work(next_index++);
    }).detach();
    started = wanted;
  } catch (const std::system_error&) {
  }
}

}  // namespace

bool inside() { return working; }

bool run(int helpers, int64_t chunks, ChunkFn fn, void* context) {
  const std::unique_lock lock(owner, std::try_to_lock);
  if (!lock) return false;
  start(helpers);
  job.fn = fn;
  job.context = context;
  job.chunks = chunks;
  job.helpers.store(helpers, std::memory_order_relaxed);
  job.unfinished.store(chunks, std::memory_order_relaxed);
  job.tickets.store(chunks, std::memory_order_release);
  job.posted.fetch_add(1, std::memory_order_release);
  job.posted.notify_all();
  {
    const FlushDenormals flush;
    working = true;
    take_part();
    working = false;
  }
  for (;;) {
    const int64_t left = job.unfinished.load(std::memory_order_acquire);
    if (left == 0) return true;
    wait_while_equal(job.unfinished, left);
  }
}

}  // namespace sf::team
