#pragma once
// Pieces of the Prometheus text exposition format, version 0.0.4.

#include <string>
#include <string_view>

#include "metrics/registry.hpp"

namespace lodestone::metrics {

/// The Content-Type of an exposition.
inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

/// [a-zA-Z_:][a-zA-Z0-9_:]*
bool is_metric_name(std::string_view name);
/// [a-zA-Z_][a-zA-Z0-9_]*, not starting with two underscores.
bool is_label_name(std::string_view name);

/// The shortest text that reads back as the same number; "+Inf", "-Inf", "NaN".
std::string format_number(double value);

/// "# HELP" and "# TYPE" lines.
void append_family_head(std::string& out, std::string_view name, std::string_view help, std::string_view kind);
/// One line; `extra` (may be null) is one more label at the end.
void append_sample(std::string& out, std::string_view name, const Labels& labels, const Label* extra, double value);

}  // namespace lodestone::metrics
