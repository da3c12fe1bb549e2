#pragma once
// What the HTML reports of several verbs share: one look, and pages that need nothing else: no script, no file beside them, no network. Light
// and dark follow the reader's setting.

#include <string>
#include <string_view>

namespace lodestone::app {

/// From the doctype to the line below the heading; all three texts are escaped.
std::string open_report_page(std::string_view title, std::string_view heading, std::string_view below);
std::string close_report_page();

/// The least step of 1, 2 or 5 times a power of ten of which at most five reach `most`, which is above 0.
double axis_step(double most);

/// A name as far as it fits beside the bars of a chart, in UTF-8; the whole of it belongs into the tooltip.
std::string short_label(const std::string& name);

}  // namespace lodestone::app
