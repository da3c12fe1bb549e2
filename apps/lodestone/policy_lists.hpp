#pragma once
// The lists that an off-policy estimate rests on: what stood where, whether it was clicked, and the request that would make such a list again.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "engine/page.hpp"
#include "table/engine.hpp"
#include "table/sql_text.hpp"

namespace lodestone::app {

/// Of one place of a list that was shown.
struct ShownPlace {
  std::int64_t item = 0;
  double propensity = 1;
  bool is_clicked = false;
};

struct ShownList {
  engine::PageKind kind = engine::PageKind::kUser;
  TimePoint at;
  std::size_t visitor = 0;  ///< who saw it, numbered from 0; a list of nobody known is a visitor of its own
  std::optional<std::int64_t> user;
  std::optional<std::int64_t> page;
  std::vector<ShownPlace> places;
};

/// By reports/policy_places.
std::vector<ShownList> read_shown_lists(table::Engine& engine, const fs::path& sql_folder, const table::Parameters& parameters);

/// Takes out the lists shown before `at`, and says how many those are. What was clicked in them is what a bundle of then has learnt from.
std::size_t drop_lists_before(TimePoint at, std::vector<ShownList>& lists);

/// What was asked for when the list was made, as far as the log has it: page, user, length and time. `page` is the place of list.page in the catalogue
/// of the release that is to answer.
engine::PageRequest request_again(const ShownList& list, std::optional<ItemIndex> page);

}  // namespace lodestone::app
