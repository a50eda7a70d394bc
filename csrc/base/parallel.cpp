#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/team.h"

namespace sf {
namespace {

std::atomic<int> requested{0};  // 0: take the machine's
std::atomic<bool> in_forked_child{false};

// CPUs that the cgroup (v2, then v1) grants this process, rounded down; 0 if unlimited or unknown.
int cgroup_quota() {
  std::string quota;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period) {
    if (quota == "max") return 0;
  } else {
    std::ifstream q("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    std::ifstream p("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (!(q >> quota) || !(p >> period) || quota == "-1") return 0;
  }
  if (period <= 0) return 0;
  return std::max(1, static_cast<int>(std::atof(quota.c_str()) / period));
}

int machine_threads() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  int cpus = sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
  if (const int quota = cgroup_quota()) cpus = std::min(cpus, quota);
  return std::max(cpus, 1);
}

// Threads do not survive fork: children run on one.
void install_fork_handler() {
  static const int installed = pthread_atfork(nullptr, nullptr, [] { in_forked_child = true; });
  (void)installed;
}

}  // namespace

int num_threads() {
  if (in_forked_child) return 1;
  if (const int n = requested) return n;
  static const int machine = machine_threads();
  return machine;
}

void set_num_threads(int n) {
  if (n < 1 || n > team::kMostThreads) {
    throw ValueError("[set_num_threads] n must be between 1 and ", team::kMostThreads, ", got ", n);
  }
  requested = n;
}

int threads_at_hand() {
  const int threads = num_threads();
  return threads > 1 && !team::inside() && team::pays(threads - 1) ? threads : 1;
}

void detail::parallel_for(int64_t chunks, ChunkFn fn, void* context) {
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), chunks));
  if (threads > 1 && !team::inside()) {
    install_fork_handler();
    if (team::run(threads - 1, chunks, fn, context)) return;
  }
  for (int64_t chunk = 0; chunk < chunks; ++chunk) fn(context, chunk);
}

}  // namespace sf
