#include "training/feature_selection.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace lodestone::training {

std::vector<std::size_t> select_features(std::span<const double> gain, std::span<const std::string> names, std::size_t n) {
  LODESTONE_ASSERT(gain.size() == names.size(), "{} gains of {} features", gain.size(), names.size());
  std::vector<std::size_t> out;
  for (std::size_t f = 0; f < gain.size(); ++f) {
    if (gain[f] > 0) out.push_back(f);
  }
  std::sort(out.begin(), out.end(),
            [&](std::size_t a, std::size_t b) { return gain[a] != gain[b] ? gain[a] > gain[b] : names[a] < names[b]; });
  out.resize(std::min(n, out.size()));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace lodestone::training
