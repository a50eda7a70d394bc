# _core: the pybind11 module, placed inside the package surefoot.
set(Python_FIND_STRATEGY LOCATION)
set(Python_FIND_VIRTUALENV FIRST)
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
set(PYBIND11_FINDPYTHON ON)
if(NOT SKBUILD AND NOT pybind11_DIR)
  execute_process(COMMAND "${Python_EXECUTABLE}" -m pybind11 --cmakedir
                  OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
find_package(pybind11 3.0 CONFIG REQUIRED)

file(GLOB bind_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/csrc/bind/*.cpp")
if(NOT bind_sources)
  message(STATUS "surefoot: csrc/bind/ holds no sources, _core is not built")
  return()
endif()
pybind11_add_module(_core MODULE ${bind_sources})
# The headers of pybind11 cost more to compile than what our files add to them: a few files share one.
set_target_properties(_core PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
target_link_libraries(_core PRIVATE sf_core sf_options)
if(SF_MODULE_IN_SOURCE)
  set_target_properties(_core PROPERTIES LIBRARY_OUTPUT_DIRECTORY
                                         "${PROJECT_SOURCE_DIR}/python/surefoot")
endif()

install(TARGETS _core LIBRARY DESTINATION surefoot)
if(NOT SKBUILD)  # `cmake --install BUILD --prefix DIR` gives a package to point PYTHONPATH at
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/python/surefoot" DESTINATION .
          PATTERN "*.so" EXCLUDE PATTERN "__pycache__" EXCLUDE)
endif()
