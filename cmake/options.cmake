# Language level, warnings and sanitizers, in one interface target that every target of ours links.
option(LODESTONE_WERROR "Warnings are errors" ON)
set(LODESTONE_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")
option(LODESTONE_COVERAGE "Instrument for coverage" OFF)
option(LODESTONE_FUZZ "Build the fuzz targets (clang)" OFF)

add_library(lodestone_options INTERFACE)
target_compile_features(lodestone_options INTERFACE cxx_std_20)
# g++ 12 reports null-dereference and restrict in its own string code at -O3 (its bugs 86172 and 105329).
target_compile_options(lodestone_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
  -Wcast-align -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wno-null-dereference -Wno-restrict>
  $<$<CXX_COMPILER_ID:Clang>:-Wdocumentation -Wthread-safety>
  $<$<BOOL:${LODESTONE_WERROR}>:-Werror>)
# Section garbage collection keeps the binary small; the stack protector and PIE are cheap.
target_compile_options(lodestone_options INTERFACE -fstack-protector-strong -ffunction-sections -fdata-sections)
target_link_options(lodestone_options INTERFACE -Wl,--gc-sections)
if(LODESTONE_SANITIZE)
  target_compile_options(lodestone_options INTERFACE -fsanitize=${LODESTONE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(lodestone_options INTERFACE -fsanitize=${LODESTONE_SANITIZE})
endif()
if(LODESTONE_COVERAGE)
  target_compile_options(lodestone_options INTERFACE --coverage)
  target_link_options(lodestone_options INTERFACE --coverage)
endif()
if(LODESTONE_FUZZ)
  target_compile_options(lodestone_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
