# sf_tests: the core's own tests, linked without Python.
file(GLOB test_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/cpp/*.cpp")
if(NOT test_sources)
  message(STATUS "surefoot: tests/cpp/ holds no sources, sf_tests is not built")
  return()
endif()
add_executable(sf_tests ${test_sources})
target_link_libraries(sf_tests PRIVATE sf_core sf_options)
# g++ misjudges arrays that begin inside their memory, which tests of alignment have.
target_compile_options(sf_tests PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-free-nonheap-object>)
add_test(NAME sf_tests COMMAND sf_tests)
