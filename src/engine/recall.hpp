#pragma once
// Recall: the channels of a page give their lists. Which channels a kind of page asks and with what share is decided here alone.

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "engine/channel.hpp"
#include "engine/eligibility.hpp"
#include "engine/page.hpp"
#include "engine/recall_probe.hpp"
#include "engine/recall_trace.hpp"
#include "engine/scratch.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// Items of a history's sums that take part, at least. They are eligible already, so no page needs more than its limit of them.
inline constexpr std::size_t kHistoryDepth = 100;

/// Items of a request's `recent` that count.
inline constexpr std::size_t kMaxRecent = 50;

/// The recall of one request.
class Recall {
 public:
  Recall(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, const Eligibility& eligible,
         Scratch& scratch, Page& page, RecallTrace* trace);

  /// Who wants to know where an item stands in the whole lists; before run().
  void set_probe(RecallProbe* probe) { probe_ = probe; }

  /// Asks every channel of the page. The sources and their lists lie in the scratch, and `page.candidates` counts them. After the deadline only
  /// lists that lie ready are taken.
  void run();
  [[nodiscard]] std::span<const Source> sources() const { return std::span(scratch_.sources).first(n_sources_); }
  /// Items of the visitor that the channels speak of, newest first.
  [[nodiscard]] std::span<const ItemIndex> history() const { return history_; }
  /// Whether scratch.vectors.user is the visitor's.
  [[nodiscard]] bool has_user_vector() const { return has_user_vector_; }
  /// Sum of the weights of all channels that were asked, by which scores are divided.
  [[nodiscard]] float total_weight() const { return total_weight_; }

 private:
  [[nodiscard]] float& weight_of(Channel channel) { return weights_[static_cast<std::size_t>(channel)]; }
  void read_history();
  void merge_recent();
  void related();
  void personal();
  void search();
  void add_external();
  void add_history(float share);
  void add_recent(Channel channel);
  template <typename Sum>
  void add_summed(Channel channel, float weight, const Sum& sum);
  void sum_behavior();
  void sum_lists(const models::Neighbours& lists, std::size_t recent, std::size_t depth);
  template <typename List>
  void sum_groups(const List& list_of);
  void add_scaled(const models::NeighbourRow& row, std::size_t depth, float weight);
  void sum_sequence();
  void sum_near_users();
  void sum_near_sessions();
  void add_vector(float share);
  [[nodiscard]] models::AllowedItems allowed_items();
  [[nodiscard]] models::NeighbourRow trending() const;
  void add_sums(Channel channel, float weight, std::size_t depth);
  void add_source(Channel channel, float weight, models::NeighbourRow list);

  const models::Release& release_;
  const PageRequest& request_;
  std::optional<std::size_t> user_;
  const Eligibility& eligible_;
  Scratch& scratch_;
  Page& page_;
  RecallTrace* trace_;
  RecallProbe* probe_ = nullptr;
  std::span<const ItemIndex> history_;  ///< of the visitor, newest first
  std::span<const float> weights_of_history_;
  std::array<float, kChannels> weights_{};
  float session_weight_ = 0;
  bool has_user_vector_ = false;
  float total_weight_ = 0;
  std::size_t n_sources_ = 0;
};

/// What is hot, by window.
inline const models::RankedLists& hot_lists(const models::Release& release, const PageRequest& request) {
  return request.trending == nullptr ? release.trending : *request.trending;
}

/// What is popular in the item's category.
inline models::NeighbourRow category_list(const models::Release& release, ItemIndex item) {
  return release.popular_by_category.row(static_cast<std::size_t>(release.catalog.category_number(item)));
}

}  // namespace lodestone::engine
