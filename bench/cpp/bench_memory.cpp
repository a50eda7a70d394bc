// The pool: a block given back and taken again, written to or not, against malloc. Times count
// here; GB/s are those of the block's bytes.
#include <cstdlib>
#include <cstring>

#include "base/memory.h"
#include "traffic.h"

namespace {

void pool(benchmark::State& state, int64_t bytes, bool write) {
  traffic::run(state, bytes, [&] {
    void* block = sf::pool_allocate(bytes);
    if (write) std::memset(block, 1, static_cast<size_t>(bytes));
    benchmark::DoNotOptimize(block);
    sf::pool_free(block, bytes);
  });
}

void system(benchmark::State& state, int64_t bytes, bool write) {
  traffic::run(state, bytes, [&] {
    void* block = std::malloc(static_cast<size_t>(bytes));
    if (write) std::memset(block, 1, static_cast<size_t>(bytes));
    benchmark::DoNotOptimize(block);
    std::free(block);
  });
}

const bool registered = [] {
  for (int64_t bytes : {int64_t{64}, int64_t{64} << 10, int64_t{64} << 20}) {
    const std::string size = std::to_string(bytes);
    for (bool write : {false, true}) {
      const std::string how = (write ? "written/" : "taken/") + size;
      traffic::add("memory/pool/" + how, [=](auto& state) { pool(state, bytes, write); });
      traffic::add("memory/malloc/" + how, [=](auto& state) { system(state, bytes, write); });
    }
  }
  return true;
}();

}  // namespace
