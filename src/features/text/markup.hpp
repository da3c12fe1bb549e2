#pragma once
// Takes markup out of descriptions: HTML tags, comments, scripts and entities, the targets of Markdown links, and bare URLs, so that
// only words that people read are left (lessons.md 11: unstripped HTML made the old text features worthless).

#include <string>
#include <string_view>

namespace lodestone::features {

/// Appends the readable text of `text` (UTF-8) to `out`. Block tags become a blank, inline ones vanish; what only looks like a tag
/// ("a < b") stays. Text that was escaped twice (&lt;p&gt;) is stripped a second time. Cost linear.
void strip_markup(std::string_view text, std::string& out);

}  // namespace lodestone::features
