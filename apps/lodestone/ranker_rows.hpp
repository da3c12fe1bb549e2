#pragma once
// Rows that rankers are fitted on and judged by: pages as the engine makes them from the release of what was before, with what people did after as labels.

#include <cstdint>
#include <vector>

#include "engine/recommender.hpp"
#include "events/sample.hpp"
#include "features/vectorizer.hpp"
#include "models/release.hpp"
#include "split_release.hpp"

namespace lodestone::app {

/// Rows of pages with their labels, in the order of time.
struct LabelledRows {
  std::vector<float> values;
  std::vector<float> labels;
  std::vector<std::int32_t> positions;  ///< beside them, of what was shown; else empty
  std::vector<std::uint64_t> groups{0};

  [[nodiscard]] std::size_t n_groups() const { return groups.size() - 1; }
};

/// A page, and what was shown there where that is known.
struct RowCase {
  PageCase page;
  std::vector<events::RankingSample> shown;
};

/// Makes them. What is given must outlive it.
class RowMaker {
 public:
  /// `users` are those of the final release, for what they own; `depth` candidates of a page.
  RowMaker(const models::Release& release, const models::ChannelWeights& weights, const std::vector<models::UserData>& users,
           const features::Vectorizer& vectorizer, std::size_t depth, int threads)
      : release_(release), weights_(weights), users_(users), vectorizer_(vectorizer), depth_(depth), threads_(threads) {}

  /// Rows of all pages that hold anything their person did; a page without teaches no order.
  [[nodiscard]] LabelledRows make(const std::vector<RowCase>& cases) const;

 private:
  void make_one(const PageCase& page_case, engine::Scratch& scratch, engine::Page& page, LabelledRows& out) const;
  void make_shown(const RowCase& row_case, engine::Scratch& scratch, engine::Page& page, LabelledRows& out) const;
  [[nodiscard]] float grade(const PageCase& page_case, ItemIndex item) const;

  const models::Release& release_;
  const models::ChannelWeights& weights_;
  const std::vector<models::UserData>& users_;
  const features::Vectorizer& vectorizer_;
  std::size_t depth_;
  int threads_;
};

/// Pages of all kinds in the order of time; every other page of related items of a known person is one that knows him.
std::vector<RowCase> cases_of_pages(const SplitRelease& split);

/// What was shown to people who are known. Which page it was on is not, so the features are those of a page for the person.
std::vector<RowCase> cases_of_exposures(const models::Release& release, const std::vector<events::RankingGroup>& groups);

/// At most `n`, at even distances in the order of time.
std::vector<RowCase> in_time(std::vector<RowCase> cases, std::size_t n);

}  // namespace lodestone::app
