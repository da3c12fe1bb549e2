#pragma once
// Rules "after a comes b" from ordered histories and sessions: sequential rules with distance weights (Kamehkhosh, Jannach, Ludewig, "A
// comparison of frequent pattern techniques and a deep learning method for session-based recommendation", RecTemp 2017), divided by powers of
// both items' frequencies, so that what is merely frequent does not follow everything.

#include <cstddef>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::training {

struct SequenceRulesOptions {
  std::size_t max_distance = 10;  ///< places between a and b that still make a rule; the weight is 1 / distance
  double source_exponent = 0.5;   ///< a rule a -> b is divided by n_a^this ...
  double target_exponent = 0.5;   ///< ... and by n_b^this; n = occurrences in all histories
  double backward = 0;            ///< what b after a says for a after b: 0 nothing, 1 as much
  std::size_t neighbors = 500;    ///< strongest rules kept for each item that came before
  int threads = 0;                ///< 0 = all cores; the result does not depend on it
};

/// Row a of the answer: the items that come after a, best first; a itself when it was repeated. Time: the events times max_distance.
/// Throws invalid_argument when max_distance is 0.
models::OwnedNeighbours fit_sequence_rules(const models::Sequences& sequences, const SequenceRulesOptions& options);

}  // namespace lodestone::training
