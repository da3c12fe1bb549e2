#pragma once
// Counts the allocations of a test binary that links allocation_counter.cpp, which replaces operator new.

#include <cstddef>

namespace lodestone::test {

/// Calls of operator new so far, of all threads.
std::size_t allocation_count();

}  // namespace lodestone::test
