#include "base/team.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "base/fpstate.h"

namespace sf::team {
namespace {

// A number that one thread waits on. Whoever changes it wakes that thread if it sleeps, and asks
// the system for nothing if it does not.
template <class T>
struct alignas(64) Bell {
  std::atomic<T> value{0};
  std::atomic<bool> asleep{false};

  // Behind a change, which like this reading has its place in the one order of all such accesses:
  // either it is seen here that the thread sleeps, or the thread sees the change.
  void ring() {
    if (asleep.load(std::memory_order_seq_cst)) value.notify_one();
  }
  void wait_while(T old);  // until value != old: spins, then sleeps
};

// The job at hand. Memory of the program, not of the caller: a worker may look at it at any time.
// `fn`, `context` and `chunks` are read by whoever has taken a ticket, and stay until the last
// ticket holder is done.
struct Job {
  ChunkFn fn = nullptr;
  void* context = nullptr;
  int64_t chunks = 0;
  alignas(64) std::atomic<int64_t> tickets{0};  // chunks nobody has taken
  Bell<int64_t> unfinished;
  alignas(64) std::atomic<int> helpers{0};  // workers that may take part
};

Job job;
Bell<uint32_t> calls[kMostThreads];  // of each worker: the jobs that wanted it
std::mutex owner;                    // held by the thread whose job it is
int started = 0;                     // workers; guarded by `owner`
int most = INT_MAX;                  // workers that the system gives; guarded by `owner`
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

template <class T>
void Bell<T>::wait_while(T old) {
  const auto end = std::chrono::steady_clock::now() + spin_time();
  do {
    for (int i = 0; i < 16; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  asleep.store(true, std::memory_order_seq_cst);
  value.wait(old, std::memory_order_seq_cst);
  asleep.store(false, std::memory_order_relaxed);
}

// Works on one chunk; false if none is left to take.
bool take_one() {
  int64_t left = job.tickets.load(std::memory_order_acquire);
  while (left > 0) {
    if (!job.tickets.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) continue;
    job.fn(job.context, job.chunks - left);
    if (job.unfinished.value.fetch_sub(1, std::memory_order_seq_cst) == 1) job.unfinished.ring();
    return true;
  }
  return false;
}

void take_part() {
  while (take_one()) {
  }
}

void ring(int helpers) {
  for (int i = 0; i < helpers; ++i) calls[i].ring();
}

// The caller's part of a job. Waking a sleeper takes it 2 us, and the sleeper 5 to 50 more. So it
// is called at once where there are few chunks, and otherwise once the first chunk has told that
// the job lasts long enough for that to help; who is awake comes in any case.
void lead(int helpers, int64_t chunks) {
  constexpr std::chrono::microseconds kWorthWaking(20);
  if (chunks < 4 * (helpers + 1)) {
    ring(helpers);
  } else {
    const auto start = std::chrono::steady_clock::now();
    take_one();
    const auto rest = (std::chrono::steady_clock::now() - start) * (chunks - 1);
    if (rest > kWorthWaking) ring(helpers);
  }
  take_part();
}

[[noreturn]] void work(int index) {
  const FlushDenormals flush;
  working = true;
  Bell<uint32_t>& call = calls[index];
  for (uint32_t seen = 0;;) {
    const uint32_t called = call.value.load(std::memory_order_acquire);
    if (called == seen) {
      call.wait_while(seen);
      continue;
    }
    seen = called;
    if (index < job.helpers.load(std::memory_order_acquire)) take_part();
  }
}

// Threads started meanwhile leave signals to others: who blocks one to wait for it gets it. Those
// of a thread's own mistakes reach it.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t saved_;
};

// How many threads, of those wanted, the system gives. OpenMP ends the process if it gets none.
int available(int wanted) {
  std::atomic<bool> counted{false};
  std::vector<std::thread> trial;
  try {
    while (static_cast<int>(trial.size()) < wanted) {
      trial.emplace_back([&counted] { counted.wait(false); });
    }
  } catch (const std::exception&) {  // std::system_error, std::bad_alloc
  }
  counted = true;
  counted.notify_all();
  for (std::thread& thread : trial) thread.join();
  return static_cast<int>(trial.size());
}

// Starts workers until there are `wanted`. Where the system does not give as many, half of what it
// gives, so that others find some, too. They live as long as the process: there is nothing they
// could lose.
void start(int wanted) {
  const int missing = std::min(wanted, most) - started;
  if (missing <= 0) return;
  const BlockSignals blocked;
  int count = available(missing);
  if (count < missing) most = started + (count /= 2);
  if (count == 0) return;
  try {
    std::thread([count] {
#pragma omp parallel num_threads(count)
      work(next_index++);
    }).detach();
    started += count;
  } catch (const std::system_error&) {
    most = started;
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
  job.unfinished.value.store(chunks, std::memory_order_relaxed);
  job.tickets.store(chunks, std::memory_order_release);
  const int called = std::min(helpers, started);
  for (int i = 0; i < called; ++i) calls[i].value.fetch_add(1, std::memory_order_seq_cst);
  {
    const FlushDenormals flush;
    working = true;
    lead(called, chunks);
    working = false;
  }
  for (;;) {
    const int64_t left = job.unfinished.value.load(std::memory_order_acquire);
    if (left == 0) return true;
    job.unfinished.wait_while(left);
  }
}

}  // namespace sf::team
