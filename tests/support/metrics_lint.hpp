#pragma once
// Checks a Prometheus text exposition by the rules that `promtool check metrics` applies, and parses it for tests.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::test {

/// Sentences about what is wrong, with line numbers; empty when all is well. `exempt` names families whose suffix may break the naming
/// rules.
std::vector<std::string> lint_metrics(std::string_view text, const std::vector<std::string>& exempt = {});

/// Series ("name{label=\"value\"}") to value.
std::map<std::string, double> parse_metrics(std::string_view text);

/// Names in the first column of the tables of a Markdown page whose first heading is `head`, such as "metric".
std::set<std::string> documented_metrics(std::string_view page, std::string_view head);

}  // namespace lodestone::test
