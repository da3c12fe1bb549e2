# lodestone_library(NAME SOURCES ... LINKS public... PRIVATE private...): the static library lodestone_NAME, alias lodestone::NAME.
function(lodestone_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;PRIVATE" ${ARGN})
  add_library(lodestone_${name} STATIC ${arg_SOURCES})
  add_library(lodestone::${name} ALIAS lodestone_${name})
  target_include_directories(lodestone_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(lodestone_${name} PUBLIC ${arg_LINKS} PRIVATE lodestone_options ${arg_PRIVATE})
endfunction()

# What most of a test's compile time is: GoogleTest's headers are read once for all test binaries. Under sanitizers the tests themselves are not
# optimised, and only what they call looks for undefined behaviour: their macros made half of the build.
if(LODESTONE_TESTS)
  add_library(lodestone_test_options INTERFACE)
  target_link_libraries(lodestone_test_options INTERFACE lodestone_options GTest::gmock GTest::gtest_main)
  target_compile_definitions(lodestone_test_options INTERFACE LODESTONE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # g++ 12 sees strings of literals overrun that do not, with precompiled headers.
  target_compile_options(lodestone_test_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds -Wno-stringop-overflow>)
  if(LODESTONE_SANITIZE)
    target_compile_options(lodestone_test_options INTERFACE -O0 -fno-sanitize=undefined)
  endif()
  add_executable(lodestone_test_headers EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/support/test_headers.cpp)  # one that could be run, as tests are
  target_link_libraries(lodestone_test_headers PRIVATE lodestone_test_options)
  target_precompile_headers(lodestone_test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
endif()

# lodestone_test(NAME SOURCES ... LINKS ... LABELS ...): one test binary NAME_test; each of its tests is one ctest test.
function(lodestone_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT LODESTONE_TESTS)
    return()
  endif()
  add_executable(${name}_test ${arg_SOURCES})
  target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name}_test PRIVATE ${arg_LINKS} lodestone_test_options)
  target_precompile_headers(${name}_test REUSE_FROM lodestone_test_headers)
  add_test(NAME ${name} COMMAND ${name}_test)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 900)
endfunction()

# lodestone_fuzz(NAME SOURCES ... LINKS ...): a libFuzzer target fuzz_NAME with its seeds in fuzz/corpus/NAME.
function(lodestone_fuzz name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT LODESTONE_FUZZ)
    return()
  endif()
  add_executable(fuzz_${name} ${arg_SOURCES})
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(fuzz_${name} PRIVATE lodestone_options ${arg_LINKS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()
