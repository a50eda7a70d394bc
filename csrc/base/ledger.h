// Whether a team's workers are worth calling.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>

namespace sf {

// Beside a busy neighbour every thread loses its CPU for milliseconds now and then, and the others
// wait until it is back: two threads may well be slower than one that keeps its CPU. So once a
// caller has waited long, jobs are watched: the time of each is set against what one thread would
// have needed, and when workers have cost too much the caller works alone for a while. One thread
// writes at a time; others may read.
class Ledger {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = Clock::duration;
  using Time = Clock::time_point;

  // Whether to call workers.
  bool open(Time now) const { return now >= reopens_.load(std::memory_order_relaxed); }
  // Whether jobs are to be entered.
  bool watching(Time now) const { return now < watched_until_.load(std::memory_order_relaxed); }

  // The caller had to wait for workers.
  void note_waiting(Duration waited, Time now) {
    if (waited < kLongWait) return;
    if (!watching(now)) {
      balance_ = kCredit;
      pause_ = kShortest;
    }
    watch_from(now);
  }

  // A job is done that one thread would have done in `alone`.
  void enter(Duration alone, Duration took, Time now) {
    // With several threads chunks take somewhat longer: data lies in another core's cache.
    balance_ = std::min<Duration>(balance_ + alone - alone / 16 - took, kCredit);
    if (balance_ >= Duration::zero()) return;
    reopens_.store(now + pause_, std::memory_order_relaxed);
    watch_from(now + pause_);
    balance_ = kTrial;
    pause_ = std::min(2 * pause_, kLongest);
  }

 private:
  static constexpr Duration kLongWait = std::chrono::microseconds(500);
  static constexpr Duration kWatch = std::chrono::milliseconds(200);
  static constexpr Duration kCredit = std::chrono::milliseconds(4);  // more than a time slice
  static constexpr Duration kTrial = std::chrono::milliseconds(1);   // less than one
  static constexpr Duration kShortest = std::chrono::milliseconds(50);
  static constexpr Duration kLongest = std::chrono::milliseconds(400);

  void watch_from(Time time) { watched_until_.store(time + kWatch, std::memory_order_relaxed); }

  std::atomic<Time> reopens_{Time::min()};
  std::atomic<Time> watched_until_{Time::min()};
  Duration balance_{};
  Duration pause_{};
};

}  // namespace sf
