#pragma once
// The search for settings of implicit ALS, for training and for `lodestone evaluate` alike: small fits while the settings are looked for, one of
// full size at the end, all within a number of operations.

#include <cstddef>
#include <functional>

#include "training/als.hpp"

namespace lodestone::app {

struct AlsSearchOptions {
  std::size_t n_users = 0;
  std::size_t n_items = 0;
  std::size_t n_pairs = 0;
  std::size_t n_cases = 0;  ///< histories that an attempt validates on
  double start_alpha = 7;   ///< where the search begins: about 7 / mean weight of an interaction
  std::size_t factors = 0;  ///< of the result; 0 = 64 or 128, whichever is better
  /// Floating point operations of all attempts together; at least six small attempts are made. 6e11 take about ten seconds on two cores.
  double max_work = 6e11;
};

struct AlsSettings {
  training::AlsOptions options;  ///< seed and threads as they come by default
  double reached = -1;           ///< by these settings
};

/// `attempt` fits with options and returns what it reached, more being better. `after_first` is called when the first attempt stands and returns
/// what it reached anew; empty = not called. Deterministic.
AlsSettings search_als(const AlsSearchOptions& search, const std::function<double(const training::AlsOptions&)>& attempt,
                       const std::function<double()>& after_first = {});

}  // namespace lodestone::app
