#pragma once
// Experiments: who gets which variant, and what a variant changes. The file is YAML, watched while the server runs:
//
//   experiments:
//     more_content:
//       status: active            # or paused: everybody has what no experiment changes
//       salt: "2026-11"           # another salt deals the visitors anew
//       variants:
//         - {name: control, allocation: 0.5}
//         - {name: treatment, allocation: 0.5, parameters: {content_weight: 0.8}}
//       guardrails: {click_rate: {max_drop: 0.1}}   # serving/guardrail_terms.hpp

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/page.hpp"
#include "serving/guardrail.hpp"

namespace lodestone::serving {

/// Place of a unit (a user id, else a visitor id) in [0, 1): the first 32 bits of SHA-256("salt:unit") / 2^32. Anybody can compute it, so a
/// report needs no list of who was dealt what.
double unit_bucket(std::string_view salt, std::string_view unit);

/// What a variant changes in a page; what it leaves out is as the release has it.
struct PageParameters {
  std::array<std::optional<double>, models::kWeightFields.size()> weights;  ///< by the order of kWeightFields
  std::optional<bool> ranker;                                               ///< false: lists as recall has them
  std::optional<std::size_t> vector_ef;
  std::optional<double> diversity;
  std::optional<double> exploration;

  /// Whether both set the same.
  [[nodiscard]] bool clashes_with(const PageParameters& other) const;
  void add(const PageParameters& other);
};

struct ExperimentVariant {
  std::string name;
  double allocation = 0;  ///< share of the units; what the variants leave gets what no experiment changes
  PageParameters parameters;
  std::string stopped = {};  ///< why a guardrail has stopped it; "" = it runs
};

struct Experiment {
  std::string name;
  std::string salt;
  bool is_active = false;
  std::vector<ExperimentVariant> variants;
  GuardrailTerms guardrails = {};  ///< none of them = nothing is watched
};

/// What all active experiments together make of a unit.
struct Assignment {
  std::string label =
      "control";  ///< of one active experiment the name of the variant; of several "experiment:variant" joined by +
  PageParameters parameters;
};

/// One reading of the file. Const after parse(), safe from many threads.
class Experiments {
 public:
  static constexpr std::size_t kMaxAssignments = 1'000;

  /// Throws invalid_argument with all errors, each with key path and line: unknown keys and parameters, allocations that are negative or sum to more
  /// than 1, variants twice, active experiments that set the same parameter or have more than kMaxAssignments combinations.
  static Experiments parse(std::string_view text, std::string_view name);

  [[nodiscard]] const std::vector<Experiment>& all() const { return all_; }
  [[nodiscard]] bool any_active() const { return assignments_.size() > 1; }
  /// [0] is control, for whoever is known by neither user nor visitor id.
  [[nodiscard]] const std::vector<Assignment>& assignments() const { return assignments_; }
  /// Place in assignments().
  [[nodiscard]] std::size_t assign(std::string_view unit) const;
  /// Of the experiment with that number in all(), the variant that an assignment gives; none where it gives none.
  [[nodiscard]] std::optional<std::size_t> variant_at(std::size_t place, std::size_t experiment) const;
  /// From now on the units of that variant get what no experiment changes.
  void stop(std::size_t experiment, std::size_t variant, std::string why) {
    all_[experiment].variants[variant].stopped = std::move(why);
  }

 private:
  void combine();
  std::vector<Experiment> all_;
  std::vector<Assignment> assignments_{
      Assignment{}};  ///< by mixed radix: of each active experiment 0 = none, else the variant + 1
};

}  // namespace lodestone::serving
