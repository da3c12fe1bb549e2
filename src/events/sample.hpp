#pragma once
// What a ranker is fitted on and measured with, between events and training: lists as they were shown, with what came of each item.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace lodestone::events {

/// How good it was to show an item: the label of lambdarank and the grade of NDCG. An order counts though the page was reached without a click.
enum class Grade : std::uint8_t { kNone = 0, kClick = 1, kOrder = 2 };

/// An item of a list.
struct RankingSample {
  ItemId item{};
  std::int32_t position =
      0;  ///< place in the list, from 1; 0 = not known. Only to take the bias of places out, never a feature of serving.
  Grade grade = Grade::kNone;

  friend bool operator==(const RankingSample&, const RankingSample&) = default;
};

/// One answer: the unit of a split, of a sample and of lambdarank.
struct RankingGroup {
  std::string request_id;
  std::optional<UserId> user;
  std::string visitor_id;              ///< "" = not known
  TimePoint at;                        ///< when it was shown: features are taken as of then
  std::vector<RankingSample> samples;  ///< at least one, by position, then item; no item twice

  /// Whether anything came of it. A group without teaches a classifier, but lambdarank, which compares items of unequal grade, nothing.
  [[nodiscard]] bool has_action() const {
    return std::any_of(samples.begin(), samples.end(), [](const RankingSample& s) { return s.grade != Grade::kNone; });
  }

  friend bool operator==(const RankingGroup&, const RankingGroup&) = default;
};

}  // namespace lodestone::events
