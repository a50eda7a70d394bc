// sf_bench: the kernels on their own, without Python. Prints what the machine can do at most first.
#include <benchmark/benchmark.h>

#include <string>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "peak.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (int threads : {1, 2}) {
    sf::set_num_threads(threads);
    for (int i = 0; i < 100; ++i) peak::best_flops();
    for (int i = 0; i < 10; ++i) peak::best_copy_bandwidth();
    const std::string peak = std::to_string(peak::best_flops() * 1e-9) + " GFLOP/s float32";
    const std::string copy = std::to_string(peak::best_copy_bandwidth() * 1e-9) + " GB/s copied";
    benchmark::AddCustomContext(std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
                                peak + ", " + copy);
  }
  benchmark::AddCustomContext("isa", sf::isa_name());
  benchmark::RunSpecifiedBenchmarks();
}
