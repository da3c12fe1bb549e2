#pragma once
// The results of `lodestone evaluate` as one HTML page that needs nothing else: no script, no file beside it, no network. Bars with their
// intervals are inline SVG; light and dark follow the reader's setting.

#include <string>

#include "evaluate_output.hpp"

namespace lodestone::app {

/// All names are escaped. Methods stand in the order of `output`; a page without results says so.
std::string format_evaluation_html(const EvaluationOutput& output);

}  // namespace lodestone::app
