#pragma once
// Variants that a guardrail has stopped: a small file beside the experiments, so that neither a restart nor another server with the same experiments tries
// them on the visitors again.

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace lodestone::serving {

struct Experiment;

struct StoppedVariant {
  std::string experiment;
  std::string variant;
  std::string guardrail;
  std::string detail;  ///< a sentence
  TimePoint at;
  std::string fingerprint;  ///< of the experiment as it was; another one is another try
  friend bool operator==(const StoppedVariant&, const StoppedVariant&) = default;
};

/// What an experiment is, but for its status: salt, variants, parameters and guardrails.
std::string fingerprint_of(const Experiment& experiment);

/// What the file says; nothing when it is not there. Throws corrupt naming it.
std::vector<StoppedVariant> load_stopped(const fs::path& file);
/// Adds those to the file that it does not have; what other servers have put there stays. One at a time, of all processes, by a lock file beside it.
/// Throws unavailable, or corrupt as load_stopped() does, and then the file is as it was.
void add_stopped(const fs::path& file, const std::vector<StoppedVariant>& stopped);

}  // namespace lodestone::serving
