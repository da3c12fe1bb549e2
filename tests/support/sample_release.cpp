#include "tests/support/sample_release.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "features/text/tokenizer.hpp"

namespace lodestone::test {
namespace {

using models::OwnedNeighbours;
using models::ReleaseData;

constexpr std::array<const char*, 8> kTopics = {"weather", "traffic", "air quality", "population",
                                                "气象",    "交通",    "空气质量",    "人口"};
constexpr std::array<const char*, 4> kKinds = {"data", "statistics", "数据", "API"};
constexpr std::int64_t kFirstDay = 1'700'000'000'000'000;
constexpr std::int64_t kDay = 86'400'000'000;

models::Item make_item(std::size_t i, const SampleOptions& options, Rng& rng) {
  models::Item item;
  item.id = ItemId(static_cast<std::int64_t>(10 + 3 * i));
  const std::string topic = kTopics[rng.below(kTopics.size())];
  item.title = fmt::format("{} {} {}", topic, kKinds[rng.below(kKinds.size())], i);
  item.description = rng.chance(0.8) ? fmt::format("All about {}, \"daily\".", topic) : "";
  for (const char* tag : kTopics) {
    if (rng.chance(0.2)) item.tags.emplace_back(tag);
  }
  item.category = rng.chance(0.9) ? fmt::format("category {}", rng.below(options.n_categories)) : "";
  item.company = rng.chance(0.9) ? fmt::format("company {}", rng.below(7)) : "";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  item.price = rng.chance(0.9) ? static_cast<double>(rng.below(400)) / 10.0 : nan;
  item.cover_image = rng.chance(0.5) ? fmt::format("https://example.org/{}.png", i) : "";
  item.data_format = rng.chance(0.5) ? "CSV" : "JSON";
  item.records = rng.chance(0.8) ? static_cast<double>(rng.below(1'000'000)) : nan;
  if (rng.chance(0.9)) item.created_at = kFirstDay + static_cast<std::int64_t>(rng.below(365)) * kDay;
  if (rng.chance(0.9)) item.updated_at = kFirstDay + static_cast<std::int64_t>(365 + rng.below(30)) * kDay;
  item.is_available = rng.chance(options.available_share);
  return item;
}

/// An item of the taste that `self` has: those whose numbers have the same remainder. Of any when self < 0.
std::size_t draw_item(std::size_t n_items, std::size_t n_tastes, std::int64_t self, Rng& rng) {
  if (self < 0 || n_tastes <= 1) return rng.below(n_items);
  const std::size_t taste = static_cast<std::size_t>(self) % n_tastes;
  return taste + n_tastes * rng.below((n_items - taste + n_tastes - 1) / n_tastes);
}

/// Appends a row of up to `n` different items other than `self`, with falling scores below `best`.
class RowMaker {
 public:
  RowMaker(std::size_t n_items, std::size_t n_tastes) : stamps_(n_items, 0), n_tastes_(n_tastes) {}
  void add(OwnedNeighbours& lists, std::size_t n, std::int64_t self, float best, Rng& rng) {
    ++round_;
    float score = best;
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t item = draw_item(stamps_.size(), n_tastes_, self, rng);
      if (static_cast<std::int64_t>(item) == self || stamps_[item] == round_) continue;
      stamps_[item] = round_;
      lists.items.push_back(static_cast<ItemIndex>(item));
      lists.scores.push_back(score);
      if (!rng.chance(0.1)) score *= 0.97F;  // some neighbours are equal
    }
    lists.offsets.push_back(lists.items.size());
  }

 private:
  std::vector<std::uint32_t> stamps_;
  std::size_t n_tastes_;
  std::uint32_t round_ = 0;
};

OwnedNeighbours make_lists(const SampleOptions& options, RowMaker& rows, Rng& rng) {
  OwnedNeighbours lists;
  for (std::size_t i = 0; i < options.n_items; ++i) {
    const bool any = options.list_share >= 1 || rng.chance(options.list_share);
    const std::size_t n = options.list_share >= 1 ? options.n_neighbours : rng.below(options.n_neighbours + 1);
    rows.add(lists, any ? n : 0, static_cast<std::int64_t>(i), 0.9F, rng);
  }
  return lists;
}

void make_popular(ReleaseData& data, const SampleOptions& options, RowMaker& rows, Rng& rng) {
  rows.add(data.popular, std::min<std::size_t>(200, options.n_items), -1, 1000.0F, rng);
  for (std::size_t w = 0; w < models::kTrendingWindows; ++w) {
    rows.add(data.trending, std::min<std::size_t>(10 * w, options.n_items), -1, 50.0F, rng);  // nothing happened in the last hour
  }
  const std::vector<std::int32_t> numbers = models::number_categories(data.items);
  const std::int32_t n_categories = numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end()) + 1;
  std::vector<std::vector<ItemIndex>> members(static_cast<std::size_t>(n_categories));
  for (std::size_t i = 0; i < numbers.size(); ++i)
    members[static_cast<std::size_t>(numbers[i])].push_back(static_cast<ItemIndex>(i));
  for (const auto& row : members) {
    const std::size_t n = std::min<std::size_t>(row.size(), 50);
    for (std::size_t k = 0; k < n; ++k) {
      data.popular_by_category.items.push_back(row[k]);
      data.popular_by_category.scores.push_back(100.0F / static_cast<float>(k + 1));
    }
    data.popular_by_category.offsets.push_back(data.popular_by_category.items.size());
  }
}

models::OwnedTextIndex make_text(const std::vector<models::Item>& items) {
  std::map<std::uint64_t, std::vector<ItemIndex>> postings;
  std::vector<std::uint64_t> tokens;
  for (std::size_t i = 0; i < items.size(); ++i) {
    tokens.clear();
    features::tokenize(items[i].title, tokens);
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (const std::uint64_t token : tokens) postings[token].push_back(static_cast<ItemIndex>(i));
  }
  models::OwnedTextIndex index;
  for (const auto& [token, found] : postings) {
    index.tokens.push_back(token);
    index.items.insert(index.items.end(), found.begin(), found.end());
    index.weights.insert(index.weights.end(), found.size(), 10.0F / static_cast<float>(found.size()));
    index.offsets.push_back(index.items.size());
  }
  return index;
}

std::vector<models::UserData> make_users(const SampleOptions& options, Rng& rng) {
  std::vector<models::UserData> users(options.n_users);
  for (std::size_t u = 0; u < users.size(); ++u) {
    models::UserData& user = users[u];
    user.id = UserId(static_cast<std::int64_t>(100 + 2 * u));
    const std::size_t n = options.list_share >= 1 ? options.history_max : rng.below(options.history_max + 1);
    const auto liked = static_cast<std::int64_t>(rng.below(std::max<std::size_t>(1, options.n_items)));
    for (std::size_t h = 0; h < n && options.n_items > 0; ++h) {
      const auto item = static_cast<ItemIndex>(draw_item(options.n_items, options.n_tastes, rng.chance(0.8) ? liked : -1, rng));
      if (std::find(user.history.begin(), user.history.end(), item) != user.history.end()) continue;
      user.history.push_back(item);
      user.history_weights.push_back(static_cast<float>(1 + rng.below(5)));
      if (rng.chance(0.3)) user.owned.push_back(item);
    }
    std::sort(user.owned.begin(), user.owned.end());
  }
  return users;
}

/// Items of one taste lie in one direction, so that a history finds its own.
models::OwnedLatentVectors make_vectors(const SampleOptions& options, OwnedNeighbours neighbours, Rng& rng) {
  constexpr std::size_t kFactors = 6;
  std::vector<float> rows;
  for (std::size_t i = 0; i < options.n_items; ++i) {
    const std::size_t taste = i % std::max<std::size_t>(1, options.n_tastes) % kFactors;
    for (std::size_t j = 0; j < kFactors; ++j) rows.push_back(static_cast<float>(0.1 * rng.normal() + (taste == j ? 1 : 0)));
  }
  return latent_of(rows, kFactors, std::move(neighbours));
}

/// Four buckets by the item's number, the last without items of its own.
void make_prices(ReleaseData& data, const SampleOptions& options, RowMaker& rows, Rng& rng) {
  for (std::size_t i = 0; i < options.n_items; ++i) data.price_bucket.push_back(static_cast<std::int32_t>(i % 4));
  for (std::size_t bucket = 0; bucket < std::min<std::size_t>(4, options.n_items); ++bucket)
    rows.add(data.price, bucket == 3 ? 0 : std::min<std::size_t>(20, options.n_items), -1, 10.0F, rng);
}

/// All users of each item.
OwnedNeighbours make_item_users(const ReleaseData& data) {
  std::vector<std::vector<models::ScoredItem>> users_of(data.items.size());
  for (std::size_t u = 0; u < data.users.size(); ++u) {
    const float score = 1 / std::sqrt(static_cast<float>(std::max<std::size_t>(1, data.users[u].history.size())));
    for (const ItemIndex item : data.users[u].history)
      users_of[static_cast<std::size_t>(item)].push_back({static_cast<ItemIndex>(u), score});
  }
  OwnedNeighbours lists;
  for (auto& row : users_of) {
    std::stable_sort(row.begin(), row.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    for (const models::ScoredItem& entry : row) {
      lists.items.push_back(entry.item);
      lists.scores.push_back(entry.score);
    }
    lists.offsets.push_back(lists.items.size());
  }
  return lists;
}

}  // namespace

models::OwnedLatentVectors latent_of(std::span<const float> rows, std::size_t factors, models::OwnedNeighbours neighbours) {
  models::OwnedLatentVectors out;
  const std::size_t n = rows.size() / factors;
  if (n == 0) return out;
  models::OwnedVectorIndex& index = out.index;
  index.distance = models::VectorDistance::kInnerProduct;
  index.dimension = factors;
  index.stride = 16;
  index.vectors.assign(n * index.stride, 0);
  out.gram.assign(factors * index.stride, 0);
  std::vector<float> squares(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t a = 0; a < factors; ++a) {
      const float v = index.vectors[i * index.stride + a] = rows[i * factors + a];
      squares[i] += v * v;
      for (std::size_t b = 0; b < factors; ++b) out.gram[a * index.stride + b] += v * rows[i * factors + b];
    }
  }
  const float longest = *std::max_element(squares.begin(), squares.end());
  for (std::size_t i = 0; i < n; ++i) index.vectors[i * index.stride + factors] = std::sqrt(longest - squares[i]);
  out.parameters = {5, 2, 0.5, 0.5, static_cast<double>(n), 5};
  out.neighbours = std::move(neighbours);
  return out;
}

ReleaseData sample_release(const SampleOptions& options) {
  Rng rng(options.seed);
  ReleaseData data;
  for (std::size_t i = 0; i < options.n_items; ++i) data.items.push_back(make_item(i, options, rng));
  RowMaker rows(options.n_items, options.n_tastes);
  data.behavior = make_lists(options, rows, rng);
  data.behavior_influence = models::invert(data.behavior.view());
  data.content = make_lists(options, rows, rng);
  make_popular(data, options, rows, rng);
  data.text = make_text(data.items);
  data.users = make_users(options, rng);
  data.words = features::build_prefix_arrays(
      std::vector<features::WeightedWord>{{"weather", 3}, {"traffic", 2}, {"population", 1}, {"气象", 1}});
  data.sequence = make_lists(options, rows, rng);
  data.tag = make_lists(options, rows, rng);
  make_prices(data, options, rows, rng);
  rows.add(data.fresh, std::min<std::size_t>(50, options.n_items), -1, 1.0F, rng);
  data.item_users = make_item_users(data);
  data.vectors = make_vectors(options, make_lists(options, rows, rng), rng);
  return data;
}

bundle::BundleInfo sample_info() {
  bundle::BundleInfo info;
  info.created = TimePoint(std::chrono::seconds(1795512600));
  info.product_version = "0.1.0";
  info.config_hash = std::string(64, 'c');
  json::Value sources;
  sources.set("order_tab", json::Value("2026-11-24T09:00:00Z/20387"));
  info.sources = std::move(sources);
  json::Value metrics;
  metrics.set("ndcg@10", json::Value(0.4434));
  info.metrics = std::move(metrics);
  return info;
}

}  // namespace lodestone::test
