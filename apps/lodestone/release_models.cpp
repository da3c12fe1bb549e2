#include "release_models.hpp"

#include <algorithm>
#include <numeric>

#include "training/attributes.hpp"
#include "training/popular.hpp"
#include "training/quality_gate.hpp"
#include "training/sequence_rules.hpp"

namespace lodestone::app {
namespace {

/// Items on the list of what is popular, at least: as many as a page may ask for.
constexpr std::size_t kLeastPopular = 100;

/// The rows of the matrix as sequences, oldest first; pairs of one time keep the order of the items.
std::vector<ItemIndex> in_order_of_time(const TrainingInteractions& interactions) {
  const models::Interactions& x = interactions.matrix;
  std::vector<ItemIndex> items(x.items.size());
  std::vector<std::size_t> order;
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    order.resize(x.offsets[u + 1] - x.offsets[u]);
    std::iota(order.begin(), order.end(), x.offsets[u]);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return interactions.last_at[a] < interactions.last_at[b]; });
    for (std::size_t k = 0; k < order.size(); ++k) items[x.offsets[u] + k] = x.items[order[k]];
  }
  return items;
}

/// Popularity by item from the list of all items.
std::vector<float> popularity_of(const models::OwnedNeighbours& popular, std::size_t n_items) {
  std::vector<float> out(n_items, 0);
  for (std::size_t k = 0; k < popular.items.size(); ++k) out[static_cast<std::size_t>(popular.items[k])] = popular.scores[k];
  return out;
}

}  // namespace

void fit_channels(const TrainingInteractions& interactions, models::OwnedNeighbours neighbours,
                  const std::optional<training::LatentOptions>& latent, std::size_t neighbors, int threads,
                  models::ReleaseData& data) {
  const models::Interactions& x = interactions.matrix;
  data.behavior = std::move(neighbours);
  data.behavior_influence = models::invert(data.behavior.view());

  if (latent) data.vectors = training::fit_latent(x, *latent);

  training::SequenceRulesOptions rules;
  rules.neighbors = neighbors;
  rules.threads = threads;
  const std::vector<ItemIndex> ordered = in_order_of_time(interactions);
  data.sequence = training::fit_sequence_rules({x.n_items, x.offsets, ordered}, rules);

  training::PopularOptions every;
  every.max_items = x.n_items;
  const std::vector<float> popularity = popularity_of(training::fit_popular(x, every), x.n_items);
  const std::vector<std::int32_t> categories = models::number_categories(data.items);
  const auto n_categories = static_cast<std::size_t>(*std::max_element(categories.begin(), categories.end())) + 1;
  const std::vector<std::uint8_t> gate = training::quality_gate(data.items, categories, x, interactions.last_at, {});
  training::PopularOptions gated;
  gated.gate = gate;
  data.popular_by_category = training::fit_popular_by_category(x, categories, n_categories, gated);
  gated.min_items = kLeastPopular;
  data.popular = training::fit_popular(x, gated);

  training::AttributeOptions attributes;
  attributes.neighbors = neighbors;
  attributes.threads = threads;
  data.tag = training::fit_tags(data.items, popularity, attributes);
  training::PriceLists prices = training::fit_prices(data.items, popularity, attributes);
  data.price_bucket = std::move(prices.bucket_of);
  data.price = std::move(prices.lists);
  data.fresh = training::fit_new(data.items, attributes);
}

void sample_near_users(const TrainingInteractions& interactions, models::ReleaseData& data) {
  data.item_users = training::sample_item_users(interactions.matrix, {});
  const std::size_t n_users = interactions.user_ids.size();
  // Users who did nothing that training looks at stand between the others.
  std::vector<ItemIndex> number(interactions.matrix.n_users(), -1);
  for (std::size_t u = 0, at = 0; u < n_users; ++u) {
    while (raw(data.users[at].id) != interactions.user_ids[u]) ++at;
    number[u] = static_cast<ItemIndex>(at);
  }
  data.guests = {};
  for (ItemIndex& row : data.item_users.items) {
    const auto r = static_cast<std::size_t>(row);
    if (number[r] < 0) {
      number[r] = static_cast<ItemIndex>(data.users.size() + data.guests.offsets.size() - 1);
      const models::UserData guest = history_of(interactions, r);
      data.guests.items.insert(data.guests.items.end(), guest.history.begin(), guest.history.end());
      data.guests.scores.insert(data.guests.scores.end(), guest.history_weights.begin(), guest.history_weights.end());
      data.guests.offsets.push_back(data.guests.items.size());
    }
    row = number[r];
  }
}

}  // namespace lodestone::app
