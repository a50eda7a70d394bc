#include "base/team.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <ctime>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "base/fpstate.h"
#include "base/ledger.h"

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
  bool watched = false;                      // whether the ledger wants to know
  std::atomic<Ledger::Duration> chunk_time;  // a CPU's on the first chunk of the fastest thread
  alignas(64) std::atomic<int> helpers{0};   // workers that may take part
};

Job job;
Bell<uint32_t> calls[kMostThreads];  // of each worker: the jobs that wanted it
std::mutex owner;                    // held by the thread whose job it is
Ledger ledger;                       // entered by the owner
int started = 0;                     // workers; guarded by `owner`
int most = INT_MAX;                  // workers that the system gives; guarded by `owner`
std::atomic<int> next_index{0};
thread_local bool working = false;

// Whether each of a job's threads can have a CPU.
bool fits(int helpers) {
  static const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  return helpers < cpus;
}

// Who has nothing to do spins for this long before it sleeps: more than the gap between two ops,
// too little to bother a neighbour. With more threads than CPUs, spinning only keeps others from
// work.
std::chrono::microseconds spin_time() {
  return std::chrono::microseconds(fits(job.helpers.load(std::memory_order_relaxed)) ? 50 : 0);
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

// A chunk that nobody has taken, or -1.
int64_t take() {
  int64_t left = job.tickets.load(std::memory_order_acquire);
  while (left > 0) {
    if (job.tickets.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) {
      return job.chunks - left;
    }
  }
  return -1;
}

void finish() {
  if (job.unfinished.value.fetch_sub(1, std::memory_order_seq_cst) == 1) job.unfinished.ring();
}

Ledger::Duration cpu_time() {  // of the calling thread; some 0.4 us to ask for
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// A thread's first chunk tells how long one takes. The last of many may be a smaller one.
void work_on_first() {
  const int64_t chunk = take();
  if (chunk < 0) return;
  const bool timed = job.watched && (chunk + 1 < job.chunks || job.chunks == 2);
  const auto begin = timed ? cpu_time() : Ledger::Duration{};
  job.fn(job.context, chunk);
  if (timed) {
    const auto time = cpu_time() - begin;
    auto least = job.chunk_time.load(std::memory_order_relaxed);
    while (time < least && !job.chunk_time.compare_exchange_weak(least, time)) {
    }
  }
  finish();
}

void work_on_rest() {
  for (int64_t chunk = take(); chunk >= 0; chunk = take()) {
    job.fn(job.context, chunk);
    finish();
  }
}

void ring(int helpers) {
  for (int i = 0; i < helpers; ++i) calls[i].ring();
}

// The caller's part of a job. Waking a sleeper takes it 2 us, and the sleeper 5 to 50 more. So it
// is called at once where there are few chunks, and otherwise once the first chunk has told that
// the job lasts long enough for that to help; who is awake comes in any case.
void lead(int helpers, int64_t chunks, Ledger::Time begin) {
  constexpr std::chrono::microseconds kWorthWaking(20);
  const bool few = chunks < 4 * (helpers + 1);
  if (few) ring(helpers);
  work_on_first();
  if (!few && (Ledger::Clock::now() - begin) * (chunks - 1) > kWorthWaking) ring(helpers);
  work_on_rest();
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
    if (index >= job.helpers.load(std::memory_order_acquire)) continue;
    work_on_first();
    work_on_rest();
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

bool pays(int helpers) { return !fits(helpers) || ledger.open(Ledger::Clock::now()); }

bool run(int helpers, int64_t chunks, ChunkFn fn, void* context) {
  const std::unique_lock lock(owner, std::try_to_lock);
  if (!lock || !pays(helpers)) return false;
  start(helpers);
  const auto begin = Ledger::Clock::now();
  job.fn = fn;
  job.context = context;
  job.chunks = chunks;
  job.watched = fits(helpers) && ledger.watching(begin);
  job.chunk_time.store(Ledger::Duration::max(), std::memory_order_relaxed);
  job.helpers.store(helpers, std::memory_order_relaxed);
  job.unfinished.value.store(chunks, std::memory_order_relaxed);
  job.tickets.store(chunks, std::memory_order_release);
  const int called = std::min(helpers, started);
  for (int i = 0; i < called; ++i) calls[i].value.fetch_add(1, std::memory_order_seq_cst);
  {
    const FlushDenormals flush;
    working = true;
    lead(called, chunks, begin);
    working = false;
  }
  const auto own_end = Ledger::Clock::now();
  for (int64_t left; (left = job.unfinished.value.load(std::memory_order_acquire)) > 0;) {
    job.unfinished.wait_while(left);
  }
  const auto end = Ledger::Clock::now();
  ledger.note_waiting(end - own_end, end);
  if (job.watched) {  // the last chunk counts half
    const auto alone = job.chunk_time.load() * (2 * chunks - (chunks > 2)) / 2;
    ledger.enter(alone, end - begin, end);
  }
  return true;
}

}  // namespace sf::team
