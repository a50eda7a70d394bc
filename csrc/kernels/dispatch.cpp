#include "kernels/dispatch.h"

#include <cstdlib>

#include "base/error.h"
#include "base/fork_mutex.h"

namespace sf {

// Candidates: defined in isa/table.cpp, once per ISA.
namespace baseline {
void fill_table(KernelTable& table);
}
namespace avx2 {
void fill_table(KernelTable& table);
}
namespace avx512 {
void fill_table(KernelTable& table);
}

namespace {

struct Candidate {
  const char* name;
  bool (*supported)();  // by the CPU, and its registers saved by the operating system
  void (*fill)(KernelTable& table);
};

#if SF_HAVE_AVX2
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("f16c");
}
#endif
#if SF_HAVE_AVX512
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
}
#endif

// Slowest first.
constexpr Candidate kCandidates[] = {
    {"baseline", [] { return true; }, baseline::fill_table},
#if SF_HAVE_AVX2
    {"avx2", has_avx2, avx2::fill_table},
#endif
#if SF_HAVE_AVX512
    {"avx512", has_avx512, avx512::fill_table},
#endif
};

const KernelTable* table_of(const Candidate& candidate) {
  static KernelTable tables[std::size(kCandidates)];
  const std::lock_guard lock(fork_mutex(ForkRank::kKernelTable));
  KernelTable& table = tables[&candidate - kCandidates];
  if (!table.isa) candidate.fill(table);
  return &table;
}

const KernelTable* find_table(const std::string& name) {
  for (const Candidate& candidate : kCandidates) {
    if (name == candidate.name && candidate.supported()) return table_of(candidate);
  }
  std::string known;
  for (const std::string& isa : available_isas()) known += (known.empty() ? "" : ", ") + isa;
  throw ValueError("[isa] '", name, "' is unknown or not supported here; SUREFOOT_ISA may be ",
                   known, " or unset");
}

}  // namespace

std::atomic<const KernelTable*> detail::current_table{nullptr};

const KernelTable& detail::choose_table() {
  const char* forced = std::getenv("SUREFOOT_ISA");
  const KernelTable* chosen = find_table(forced && *forced ? forced : available_isas().back());
  current_table.store(chosen, std::memory_order_release);
  return *chosen;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.supported()) names.emplace_back(candidate.name);
  }
  return names;
}

void set_isa(const std::string& name) {
  detail::current_table.store(find_table(name), std::memory_order_release);
}

}  // namespace sf
