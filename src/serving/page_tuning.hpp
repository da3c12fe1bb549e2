#pragma once
// What of engine::PageRequest the operator sets, while the server runs.

#include <cstddef>

#include "engine/page.hpp"

namespace lodestone::serving {

struct PageTuning {
  std::size_t vector_ef = engine::PageRequest{}.vector_ef;
  double diversity = 0;
  double exploration = 0;
};

}  // namespace lodestone::serving
