# sf_core: everything that knows nothing of Python, as one static library.
find_package(OpenMP REQUIRED COMPONENTS CXX)

foreach(room base kernels tensor autograd ops optim probe capture)
  file(GLOB room_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/csrc/${room}/*.cpp")
  list(APPEND core_sources ${room_sources})
endforeach()
if(NOT core_sources)
  message(FATAL_ERROR "csrc/ holds no sources")
endif()

add_library(sf_core STATIC ${core_sources})
# Kernels are optimised in every build type, as the ISA objects are: plain loops need the vectoriser.
file(GLOB kernel_sources "${PROJECT_SOURCE_DIR}/csrc/kernels/*.cpp")
set_source_files_properties(${kernel_sources} PROPERTIES COMPILE_OPTIONS "-O3")
target_include_directories(sf_core PUBLIC "${PROJECT_SOURCE_DIR}/csrc")
target_compile_definitions(sf_core PUBLIC SF_VERSION="${SF_VERSION}")
target_link_libraries(sf_core PUBLIC OpenMP::OpenMP_CXX PRIVATE sf_options)

# One line per ISA; kernels/dispatch.cpp holds the matching candidates.
sf_add_isa(baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(avx2_flags -mavx2 -mfma -mbmi -mbmi2 -mlzcnt -mf16c)
  sf_add_isa(avx2 ${avx2_flags})
  sf_add_isa(avx512 ${avx2_flags} -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512cd
             -mprefer-vector-width=512)
  target_compile_definitions(sf_core PRIVATE SF_HAVE_AVX2=1 SF_HAVE_AVX512=1)
endif()

get_property(isas GLOBAL PROPERTY SF_ISAS)
foreach(isa IN LISTS isas)
  target_sources(sf_core PRIVATE $<TARGET_OBJECTS:sf_isa_${isa}>)
  if(NOT SF_SANITIZE)  # the sanitizers add module constructors of their own
    add_test(
      NAME isa_symbols_${isa}
      # cmake from the PATH: the one that configured a wheel may be gone when the tests run
      COMMAND cmake "-DNM=${CMAKE_NM}" "-DOBJECTS=$<TARGET_OBJECTS:sf_isa_${isa}>" -P
              "${PROJECT_SOURCE_DIR}/cmake/check_isa_symbols.cmake")
  endif()
endforeach()
