#pragma once
// The results of `lodestone evaluate` on stdout: a table for people, one JSON document for scripts.

#include <string>
#include <vector>

#include "evaluation/dataset_spec.hpp"
#include "evaluation/evaluate.hpp"

namespace lodestone::app {

/// What was measured, with everything a reader needs to repeat it.
struct EvaluationOutput {
  std::string set;                    ///< name of the data set
  std::vector<std::string> protocol;  ///< sentences
  std::vector<evaluation::MethodResult> results;
};

/// How the methods are measured by such a file, in sentences.
std::vector<std::string> describe_protocol(const evaluation::DatasetSpec& spec);

/// {"set", "results": [{"method", "settings", "metrics", "intervals", "fit_seconds", "score_seconds", "peak_mib", "users"}]}; a result whose
/// slices were measured has "slices": {"cold_users": {"users", "metrics", "intervals"}, ...} too.
std::string format_evaluation_json(const EvaluationOutput& output);

/// One row a method; the interval stands as half its width, the settings last because they are long. A second table holds the slices.
void print_evaluation(const EvaluationOutput& output);

}  // namespace lodestone::app
