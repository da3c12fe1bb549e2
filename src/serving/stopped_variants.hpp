#pragma once
// Variants that a guardrail has stopped: a small file beside the experiments, so that a restart does not try them on the visitors again.

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
void save_stopped(const fs::path& file, const std::vector<StoppedVariant>& stopped);

}  // namespace lodestone::serving
