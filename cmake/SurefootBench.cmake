# sf_bench: kernels against the machine's peak, linked without Python.
find_package(benchmark QUIET)
file(GLOB bench_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/cpp/*.cpp")
if(NOT benchmark_FOUND OR NOT bench_sources)
  message(STATUS "surefoot: no Google Benchmark or no bench/cpp/*.cpp, sf_bench is not built")
  return()
endif()
add_executable(sf_bench ${bench_sources})
target_link_libraries(sf_bench PRIVATE sf_core sf_options benchmark::benchmark)
