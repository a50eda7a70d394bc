# sf_add_isa(NAME FLAG...): compile csrc/kernels/isa/*.cpp once for one instruction set.
#
# The result is the OBJECT library sf_isa_NAME. Its sources see
#   SF_ISA_NAMESPACE   the token NAME, for `namespace sf::SF_ISA_NAMESPACE`
#   SF_ISA_NAME        NAME as a string literal
#   SF_ISA_<NAME>      1, for `#if defined(SF_ISA_avx2)`
# They are optimised in every build type, know no OpenMP, and hold neither weak symbols nor static
# initialisers: a symbol that the linker may pick, or code that runs at load, would put wide
# instructions where a narrow CPU meets them. check_isa_symbols.cmake proves it.
function(sf_add_isa name)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/csrc/kernels/isa/*.cpp")
  if(NOT sources)
    return()
  endif()
  set(target sf_isa_${name})
  add_library(${target} OBJECT ${sources})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/csrc")
  target_compile_definitions(${target} PRIVATE SF_ISA=${name} SF_ISA_NAMESPACE=${name}
                                               SF_ISA_NAME="${name}" SF_ISA_${name}=1)
  target_link_libraries(${target} PRIVATE sf_options)
  set(optimise -O3)
  if(SF_SANITIZE)
    # g++ 12 needs over 10 minutes for sanitized tiles, at -O1 and with checks in functions one.
    set(optimise $<$<CXX_COMPILER_ID:GNU>:--param=asan-instrumentation-with-call-threshold=0>)
  endif()
  target_compile_options(
    ${target}
    PRIVATE ${optimise} -fno-exceptions -fno-rtti -fno-lto ${ARGN}
            # g++ 12's AVX-512 headers start registers from themselves (_mm512_undefined_pd)
            $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  # unary.cpp computes two vectors a turn: have g++ interleave them.
  set_property(SOURCE "${PROJECT_SOURCE_DIR}/csrc/kernels/isa/unary.cpp" PROPERTY COMPILE_OPTIONS
               $<$<CXX_COMPILER_ID:GNU>:-fschedule-insns> $<$<CXX_COMPILER_ID:GNU>:-fsched-pressure>)
  set_property(GLOBAL APPEND PROPERTY SF_ISAS ${name})
endfunction()
