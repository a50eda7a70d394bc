// Which instruction set runs. Chosen at first use: the best that CPU and operating system support,
// or the one that the environment variable SUREFOOT_ISA names.
#pragma once
#include <atomic>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/table.h"

namespace sf {

namespace detail {
extern std::atomic<const KernelTable*> current_table;
const KernelTable& choose_table();
}  // namespace detail

inline const KernelTable& table() {
  const KernelTable* chosen = detail::current_table.load(std::memory_order_acquire);
  return chosen ? *chosen : detail::choose_table();  // ValueError if SUREFOOT_ISA is wrong
}

template <class T>
const Kernels<T>& kernels() {
  if constexpr (std::is_same_v<T, float>) {
    return table().f32;
  } else {
    static_assert(std::is_same_v<T, double>);
    return table().f64;
  }
}

inline const char* isa_name() { return table().isa; }
std::vector<std::string> available_isas();  // those this machine can run, slowest first

// Takes another ISA from now on; for tests, and only while no kernel runs. ValueError if this
// machine cannot run it.
void set_isa(const std::string& name);

}  // namespace sf
