#include <atomic>
#include <thread>
#include <vector>

#include "base/ledger.h"
#include "base/parallel.h"
#include "check.h"

namespace {

struct ThreadsKept {
  int before = sf::num_threads();
  ~ThreadsKept() { sf::set_num_threads(before); }
};

// Each chunk's number of runs, for `jobs` jobs one after the other.
bool every_chunk_runs_once(int64_t chunks, int jobs) {
  bool good = true;
  for (int job = 0; job < jobs; ++job) {
    std::vector<int> runs(static_cast<size_t>(chunks));
    sf::parallel_for(chunks, [&](int64_t i) { ++runs[static_cast<size_t>(i)]; });
    for (int n : runs) good = good && n == 1;
  }
  return good;
}

}  // namespace

TEST(parallel_every_chunk_runs_once_for_any_number_of_threads) {
  const ThreadsKept kept;
  for (int threads : {1, 2, 3, 8, 2, 1}) {  // the team grows, and may be larger than what is asked
    sf::set_num_threads(threads);
    for (int64_t chunks : {0, 1, 2, 3, 7, 64}) CHECK(every_chunk_runs_once(chunks, 200));
  }
}

TEST(parallel_jobs_in_jobs_run_where_they_are) {
  const ThreadsKept kept;
  sf::set_num_threads(3);
  std::atomic<int> inner{0};
  std::atomic<bool> moved{false};
  sf::parallel_for(5, [&](int64_t) {
    const auto self = std::this_thread::get_id();
    sf::parallel_for(4, [&](int64_t) {
      ++inner;
      if (std::this_thread::get_id() != self) moved = true;
    });
  });
  CHECK(inner == 20);
  CHECK(!moved);
}

TEST(parallel_callers_at_the_same_time_do_not_mix) {
  const ThreadsKept kept;
  sf::set_num_threads(3);
  std::atomic<bool> good{true};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      if (!every_chunk_runs_once(9, 500)) good = false;
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(good);
}

TEST(parallel_workers_that_slept_come_back) {
  const ThreadsKept kept;
  sf::set_num_threads(2);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(every_chunk_runs_once(16, 1));
  }
}

TEST(ledger_closes_for_longer_and_longer_and_opens_again) {
  using std::chrono::milliseconds;
  sf::Ledger ledger;
  sf::Ledger::Time now{};
  const auto job = [&](int alone_ms, int took_ms) {
    now += milliseconds(took_ms);
    ledger.enter(milliseconds(alone_ms), milliseconds(took_ms), now);
  };
  const auto pause = [&] {
    int ms = 0;
    for (; !ledger.open(now); now += milliseconds(1)) ++ms;
    return ms;
  };
  ledger.note_waiting(std::chrono::microseconds(100), now);
  CHECK(!ledger.watching(now));
  ledger.note_waiting(milliseconds(3), now);
  CHECK(ledger.watching(now) && ledger.open(now));
  job(16, 8);
  job(16, 19);  // a time slice lost is nothing
  CHECK(ledger.open(now));
  job(16, 16);
  CHECK(pause() == 50);
  for (const int expected : {100, 200, 400, 400}) {
    CHECK(ledger.watching(now) && ledger.open(now));
    job(16, 19);
    CHECK(pause() == expected);
  }
  for (int i = 0; i < 30; ++i) job(16, 8);  // the neighbour is gone
  CHECK(ledger.open(now) && !ledger.watching(now));
  ledger.note_waiting(milliseconds(3), now);
  job(16, 20);
  CHECK(pause() == 50);
}
