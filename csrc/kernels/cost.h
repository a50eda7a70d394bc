// What an element of an elementwise op costs, by class: read off its formulas in unary.def and
// binary.def.
#pragma once
#include <cstdint>
#include <string_view>

#include "kernels/elementwise_table.h"
#include "kernels/loop.h"

namespace sf {

constexpr bool is_letter(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// In bytes moved in the time that a float takes: kCostly for every function of isa/mathfun.h and
// its like that the formula names, something for a division; what a few instructions do is nothing
// beside reading and writing.
constexpr int64_t cost_of(std::string_view formula) {
  constexpr std::string_view kCheap[] = {"",     "V",          "select", "abs",
                                         "sign", "min_nan",    "fma",    "floor",
                                         "ceil", "round_even", "trunc",  "max_nan"};
  constexpr int64_t kDivision = 12;
  int64_t cost = 0;
  size_t word = 0;  // where the name in front of this character begins
  for (size_t i = 0; i < formula.size(); ++i) {
    if (is_letter(formula[i])) continue;
    bool cheap = formula[i] != '(';
    for (const std::string_view name : kCheap) cheap |= formula.substr(word, i - word) == name;
    cost += cheap ? 0 : kCostly;
    cost += formula[i] == '/' ? kDivision : 0;
    word = i + 1;
  }
  return cost;
}

constexpr int64_t cost_of(Unary op, bool backward) {
  constexpr int64_t kCosts[][2] = {
#define SF_UNARY(name, needs, forward, backward) {cost_of(#forward), cost_of(#backward)},
#include "kernels/unary.def"
#undef SF_UNARY
  };
  return kCosts[static_cast<int>(op)][backward];
}

// which: 0 for the value, 1 and 2 for the gradients of the arguments.
constexpr int64_t cost_of(Binary op, int which) {
  constexpr int64_t kCosts[][3] = {
#define SF_BINARY(name, needs_a, needs_b, forward, da, db) \
  {cost_of(#forward), cost_of(#da), cost_of(#db)},
#define SF_BINARY_EXACT SF_BINARY
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
  };
  return kCosts[static_cast<int>(op)][which];
}

}  // namespace sf
