# cmake -DNM=nm -DOBJECTS="a.o;b.o" -P check_isa_symbols.cmake
#
# Fails if an object compiled for one ISA holds
#   - a weak or unique symbol (nm types W, w, V, v, u): an inline function or template instance that
#     the linker may keep in place of the baseline's, so that an old CPU meets an illegal instruction;
#   - a static initialiser: code that runs at load, before anyone asked whether the CPU can run it.
if(NOT OBJECTS)
  message(FATAL_ERROR "no objects to check")
endif()
set(found "")
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND "${NM}" --demangle "${object}" OUTPUT_VARIABLE symbols
                  RESULT_VARIABLE status ERROR_VARIABLE problem)
  if(NOT status EQUAL 0 OR symbols STREQUAL "")
    message(FATAL_ERROR "${NM} ${object}: nothing read\n${problem}")
  endif()
  string(REPLACE ";" "," symbols "${symbols}")
  string(REPLACE "\n" ";" symbols "${symbols}")
  foreach(line IN LISTS symbols)
    if(line MATCHES "^[0-9a-fA-F]+ [WwVvu] " OR line MATCHES "_GLOBAL__(sub_)?I|__cxx_global_var_init")
      string(APPEND found "  ${object}\n    ${line}\n")
    endif()
  endforeach()
endforeach()
if(found)
  message(FATAL_ERROR "weak symbols or static initialisers in ISA objects:\n${found}")
endif()
