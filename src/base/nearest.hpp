#pragma once
// The nearest good name to a mistyped one, for error sentences.

#include <span>
#include <string>
#include <string_view>

namespace lodestone {

/// Edits (insert, delete, replace, swap of neighbours: optimal string alignment) from `a` to `b`. Cost |a| * |b|.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name nearest to `given`, or "" when none is near enough to be meant (more than a third of its length, at least 2, away).
std::string nearest_name(std::string_view given, std::span<const std::string> names);

/// `; did you mean "x"?`, or `; it is one of a, b, c` for few names, for the end of a sentence.
std::string suggest(std::string_view given, std::span<const std::string> names);

}  // namespace lodestone
