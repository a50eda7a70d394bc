# sf_options: the flags every C++ target of the project is compiled with.
add_library(sf_options INTERFACE)

# The same bits on every machine: no contraction beyond the FMAs that kernels write themselves.
target_compile_options(sf_options INTERFACE -ffp-contract=off -fno-math-errno -fno-trapping-math)

target_compile_options(
  sf_options
  INTERFACE -Wall
            -Wextra
            -Wshadow
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wextra-semi
            -Wcast-align
            -Wcast-qual
            -Wpointer-arith
            -Wundef
            -Wvla
            -Wdate-time
            $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond>
            $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op>
            $<$<BOOL:${SF_WERROR}>:-Werror>)

if(SF_SANITIZE)
  set(sf_sanitize_flags -fsanitize=address,undefined -fno-omit-frame-pointer)
  target_compile_options(sf_options INTERFACE ${sf_sanitize_flags})
  target_link_options(sf_options INTERFACE ${sf_sanitize_flags})
endif()
