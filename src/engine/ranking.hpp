#pragma once
// The ranking stage: the best candidates of recall as rows of features, for the release's rankers and for those who fit new ones.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/stop_check.hpp"
#include "engine/page.hpp"
#include "engine/recall.hpp"
#include "engine/scratch.hpp"
#include "features/vectorizer.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// Candidates that a ranker sees, at least as many as the page asks for.
inline constexpr std::size_t kRankDepth = 200;

/// Writes a row [n_columns] for each of scratch.pool, in that order, into scratch.rows, which may stay longer. The release has a ranking. False when
/// `stop` ended it, which is asked after each TreeScorer::kRowsBetweenAsks rows, and only some of them are there.
[[nodiscard]] bool make_rows(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user,
                             const Recall& recall, const features::Vectorizer& vectorizer, Scratch& scratch, StopCheck stop = {});

/// Scores scratch.pool by the first ranker that can: scratch.order holds the places in the pool of the best `n_first`, best first, and scratch.scores the
/// raw scores by place.
/// `page` tells which ranker it was and how many failed before; null = none could, or not in time, or the breaker is open, and then it tells that. A
/// ranker whose scores come too late has failed as one without scores: what is slow each time is not worth waiting for.
void rank_pool(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, const Recall& recall,
               std::size_t n_first, Scratch& scratch, Page& page);

/// A raw score as an item's score: the logistic function, kept inside (0, 1).
float ranked_score(double raw);

}  // namespace lodestone::engine
