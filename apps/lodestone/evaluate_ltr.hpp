#pragma once
// `lodestone evaluate` for data sets of kind ltr: the rankers that can be measured on rows of features.

#include <string_view>
#include <vector>

#include "evaluation/dataset_spec.hpp"
#include "evaluation/evaluate.hpp"

namespace lodestone::app {

/// Reads the set and measures the methods named in `wanted` ("auto", "all", "lambdarank", parted by commas; auto is lambdarank), a row each.
/// Throws invalid_argument for another name.
std::vector<evaluation::MethodResult> evaluate_ltr(const evaluation::DatasetSpec& spec, std::string_view wanted,
                                                   const evaluation::EvaluateOptions& options);

}  // namespace lodestone::app
