#include "simulation/items.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "simulation/clusters.hpp"
#include "simulation/streams.hpp"
#include "simulation/vocabulary.hpp"

namespace lodestone::simulation {
namespace {

constexpr Seconds kDay = 86'400;
constexpr std::size_t kTermsPerTopic = 8;
constexpr std::int64_t kDefaultItems = 13'000;

/// Generated cluster c is about term c / topics of topic c % topics, so that a small marketplace has many topics.
std::size_t topic_of(std::size_t cluster) { return cluster % topics().size(); }
std::size_t focus_of(std::size_t cluster) { return cluster / topics().size() % kTermsPerTopic; }

/// Log-normal around 1.6 yuan within the range of real spends, 0.1 to 40 yuan; one in twelve is free.
std::int32_t draw_cents(Rng& rng) {
  if (rng.chance(1.0 / 12)) return 0;
  const double yuan = std::exp(0.47 + 1.25 * rng.normal());
  return static_cast<std::int32_t>(std::lround(100 * std::clamp(yuan, 0.1, 40.0)));
}

}  // namespace

Items::Items(const SimulationOptions& options) : seed_(options.seed) {
  if (options.catalogues.empty()) {
    items_.resize(static_cast<std::size_t>(options.items.value_or(kDefaultItems)));
    cluster_generated();
  } else {
    catalogue_ = load_catalogues(options.catalogues);
    items_.resize(catalogue_.size());
    cluster_catalogue();
  }
  for (std::size_t c = 0; c < members_.size(); ++c) {
    for (std::uint32_t position = 0; position < members_[c].size(); ++position) {
      Item& item = items_[members_[c][position]];
      item.cluster = static_cast<std::uint32_t>(c);
      item.position = position;
    }
  }
  live(options);
  draw_popularity(options.seed);
}

void Items::cluster_generated() {
  const std::size_t n = std::clamp<std::size_t>(items_.size() / 20, 2, topics().size() * kTermsPerTopic);
  Rng rng(seed_, stream::kClusters);
  members_.resize(n);
  for (std::uint32_t i = 0; i < items_.size(); ++i) members_[i < n ? i : rng.below(n)].push_back(i);
  std::erase_if(members_, [](const auto& list) { return list.empty(); });
  for (std::size_t c = 0; c < members_.size(); ++c) {
    const Topic& topic = topics()[topic_of(c)];
    cluster_names_.push_back(fmt::format("{} {}", topic.name.en, topic.terms[focus_of(c)].en));
    std::vector<std::uint32_t>& list = members_[c];
    for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[rng.below(i)]);
  }
}

void Items::cluster_catalogue() {
  Clustering clustering = cluster_by_tags(catalogue_);
  cluster_names_ = std::move(clustering.names);
  members_ = std::move(clustering.members);
}

void Items::live(const SimulationOptions& options) {
  const Seconds end = std::chrono::floor<std::chrono::seconds>(options.end).time_since_epoch().count();
  const Seconds start = end - options.days * kDay;
  Rng rng(options.seed, stream::kItemLives);
  std::vector<Seconds> births(items_.size());
  for (Seconds& born : births) {
    // One in seven comes within the window; the youngest is minutes old, so that freshness has something to find.
    born = rng.chance(0.14) ? start + static_cast<Seconds>(rng.below(static_cast<std::uint64_t>(end - start)))
                            : start - 1 - static_cast<Seconds>(rng.exponential(400.0 * kDay));
  }
  // Generated ids ascend with time, as an auto-increment column's do; a catalogue's ids are given.
  if (catalogue_.empty()) std::sort(births.begin(), births.end());
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    item.created = births[i];
    item.removed = kNever;
    item.cents = draw_cents(rng);
    item.has_api = rng.chance(0.25);
    const auto later = [&](Seconds from) {
      return from + static_cast<Seconds>(rng.below(static_cast<std::uint64_t>(end - from)));
    };
    item.updated = item.created < end && rng.chance(0.4) ? later(item.created) : item.created;
    const double fate = rng.uniform();
    if (fate < 0.07) {
      item.removed = later(std::max(item.created, start - 30 * kDay));
      item.updated = item.removed;
      item.deleted = fate < 0.03;
    }
  }
}

void Items::draw_popularity(std::uint64_t seed) {
  Rng rng(seed, stream::kPopularity);
  popularity_ = zipf_weights(items_.size(), 0.85, rng);
  choice_ = WeightedChoice(popularity_);
  std::vector<double> mass;
  for (const auto& list : members_) {
    std::vector<double> own;
    for (const std::uint32_t item : list) own.push_back(popularity_[item]);
    choice_in_cluster_.emplace_back(own);
    mass.push_back(std::sqrt(static_cast<double>(list.size())));
  }
  cluster_choice_ = WeightedChoice(mass);
}

std::uint32_t Items::draw(Rng& rng, Seconds at) const {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const std::uint32_t item = choice_.draw(rng);
    if (on_sale(item, at)) return item;
  }
  return kNoItem;
}

std::uint32_t Items::draw_in_cluster(Rng& rng, std::size_t cluster, Seconds at) const {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const std::uint32_t item = members_[cluster][choice_in_cluster_[cluster].draw(rng)];
    if (on_sale(item, at)) return item;
  }
  return kNoItem;
}

std::uint32_t Items::draw_near(Rng& rng, std::size_t item, Seconds at) const {
  const std::vector<std::uint32_t>& list = members_[items_[item].cluster];
  for (int attempt = 0; attempt < 10; ++attempt) {
    const std::uint64_t step = 1 + static_cast<std::uint64_t>(rng.exponential(2.0));
    const std::uint64_t n = list.size();
    const std::uint64_t position = items_[item].position + (rng.chance(0.5) ? step % n : n - step % n);
    const std::uint32_t found = list[position % n];
    if (found != item && on_sale(found, at)) return found;
  }
  return kNoItem;
}

std::size_t Items::topic(std::size_t cluster) { return topic_of(cluster); }

ItemText Items::text(std::size_t item) const {
  if (!catalogue_.empty()) return catalogue_text(item);
  return generate_text(seed_, item, topic_of(items_[item].cluster), focus_of(items_[item].cluster));
}

ItemText Items::catalogue_text(std::size_t item) const {
  const CatalogueItem& from = catalogue_[item];
  constexpr std::array<std::string_view, 5> kFormats = {"csv", "json", "parquet", "xlsx", "geotiff"};
  ItemText text;
  text.title = from.title;
  text.description = from.description;
  text.tag = fmt::format("{}", fmt::join(from.tags, ";"));
  text.company = from.owner;
  text.category = from.category.empty() ? cluster_names_[items_[item].cluster] : from.category;
  text.format = kFormats[Rng(seed_, stream::kItemTexts + item).below(kFormats.size())];
  text.external_id = from.external_id;
  return text;
}

}  // namespace lodestone::simulation
