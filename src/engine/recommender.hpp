#pragma once
// Request -> candidates -> scores -> page. Pure: no I/O, no clock, no thread; everything a request may see comes in as an argument, so
// the same inputs give the same page. Order of work: recall channels, fusion, one final eligibility filter, ranking, backfill to the limit.

#include "engine/page.hpp"
#include "engine/recall_trace.hpp"
#include "engine/scratch.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// Fills `page` (its memory is reused). The page never holds the page item, an unavailable, owned (user known), excluded or filtered-out
/// item, and no item twice. It is full to `limit` whenever enough eligible items exist; only search gives what matches and no more.
///
/// Fusion: a channel gives the item at `rank` of its list  weight * score/best score * (k + 1)/(k + rank),  k = 60 being the constant of
/// reciprocal rank fusion (Cormack, Clarke and Buettcher 2009). Both factors lie in (0, 1], so a channel gives at most its weight and an
/// item at most the sum of the weights, by which its score is divided. A weight of 0 switches a channel off. Pages of one channel
/// (guests, trending, search) need no weight. Backfilled items score below every ranked one.
/// Where the release has a ranker, it puts the best 200 eligible candidates of pages of related items, and of pages for people with a history, in
/// order; an item's score is then the logistic function of the ranker's. A ranker that fails makes way for the next, and the last for the fused score.
/// Channels that a visitor's history speaks through leave out what is in it; on lists of what is popular it may stand.
///
/// After the request's deadline nothing more is computed: lists of items of the page, popular, new and external ones lie ready and are taken, sums over a
/// history, searches and rankers are left out. Such a page is_cut and each of its items names kPartial. Ranking has a time of its own, and may be left
/// out for a breaker; such a page is `unranked`, as one whose rankers all failed, and each of its items names kUnranked.
///
/// With a `trace` the channels' times are added to it; that reads the clock four times a channel, so ask for it now and then only.
void recommend(const models::Release& release, const PageRequest& request, Scratch& scratch, Page& page,
               RecallTrace* trace = nullptr);

/// The best `depth` candidates of a request that may be shown, best first, as keys in scratch.pool (key_item()), with their features row by row in
/// scratch.rows: what a ranker with this vectorizer would see. `request` asks for related items or for a user; the release has features.
void make_candidate_rows(const models::Release& release, const PageRequest& request, const features::Vectorizer& vectorizer,
                         std::size_t depth, Scratch& scratch, Page& page);

/// Sizes scratch and page to the release and makes some pages of each kind, so that the first request finds code and memory warm: what
/// it then allocates for pages of up to 100 items is what the thousandth does. Belongs on the thread that will make the pages, as
/// reading a search keeps memory by thread.
void warm(const models::Release& release, Scratch& scratch, Page& page);

}  // namespace lodestone::engine
