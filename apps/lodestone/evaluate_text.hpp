#pragma once
// `lodestone evaluate` for data sets of the kinds tokens and labelled-text: what can be measured on text alone.

#include <string_view>
#include <vector>

#include "evaluation/dataset_spec.hpp"
#include "evaluation/evaluate.hpp"

namespace lodestone::app {

/// Whether evaluate_text() answers this kind.
bool is_text_kind(evaluation::Kind kind);

/// Reads the set and measures the methods named in `wanted` ("auto", "all", or names parted by commas), a row each. Kind tokens has `words`
/// (the segmenter of features), kind labelled-text has `linear` (training's text classifier); auto is that one. Throws invalid_argument
/// for another name, with the nearest.
std::vector<evaluation::MethodResult> evaluate_text(const evaluation::DatasetSpec& spec, std::string_view wanted,
                                                    const evaluation::EvaluateOptions& options);

}  // namespace lodestone::app
