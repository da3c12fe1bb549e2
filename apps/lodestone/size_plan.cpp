#include "size_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "training/slim.hpp"

namespace lodestone::app {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
/// Of 10 M events 62 % to 64 % were the first of their person and item.
constexpr double kPairsAnEvent = 0.62;
/// Raw and canonical tables together, compressed.
constexpr double kLakeBytesAnEvent = 66;
/// Of an item its text and its share of the text index, and per neighbour the lists that are as long: behaviour both ways, content, sequence, tags.
constexpr double kBundleBytesAnItem = 1700;
constexpr double kBundleBytesANeighbour = 40;
/// A release is held as it is fitted and while its lists are inverted and packed.
constexpr double kCopies = 2.5;
/// A pair while it is read, sorted, and held by row and by column.
constexpr double kTrainBytesAPair = 65;
/// An item's vector with its coordinate and filling, and its links in the graph.
constexpr double kLinkBytes = 320;
/// People among pairs: about ten pairs each (of 10 M events and 1 M people).
constexpr double kPairsAPerson = 6.2;
/// Vectors in training: of people once; of items in the fit, in two indexes, and in two releases.
constexpr double kItemVectors = 5;
/// ALS holds the pairs by row and by column, beside what training holds.
constexpr double kAlsBytesAPair = 16;
/// Of rankers: rows of 5,000 pages with 100 candidates each and all features, while they are put together, picked from and fitted on, and while the features
/// are computed. Hardly depends on the catalogue: of 2 k, 5 k and 20 k items the peaks leave 380 to 570 MiB for it.
constexpr double kRankerBytes = 500 * kMiB;
/// The release of what was before, which the rows are made from, beside the models it is made of.
constexpr double kSplitCopies = 1.4;
/// In the bundle, of a person and of an item: the row of the features that rankers see, and where what moves with events begins; of an event the share that
/// falls into the newest 30 days.
constexpr double kFeatureBytesAPerson = 136;
constexpr double kFeatureBytesAnItem = 164;
constexpr double kFeatureBytesAnEvent = 4;
/// Of the lake's features/, of a person or item.
constexpr double kStoredBytes = 250;
/// Of a server, what moves with events (docs/operations.md), and what it keeps to score with.
constexpr double kLiveBytesAPerson = 330;
constexpr double kLiveBytesAnItem = 450;
constexpr double kLiveBytesAnEvent = 2;
constexpr double kScoreBytes = 8 * kMiB;
constexpr double kProgramBytes = 40 * kMiB;
constexpr double kServeBytes = 30 * kMiB;
/// The SQL engine's use rises slowly with what it reads, as it spills: 176 MiB at 0.2 M events, 601 MiB at 10 M.
constexpr double kExtractAt = 176 * kMiB;
constexpr double kExtractEvents = 200'000;
constexpr double kExtractPower = 0.314;
constexpr std::size_t kLeastNeighbors = 20;
/// No model is worth much that sees less than this of what happened.
constexpr double kLeastShare = 0.1;

std::uint64_t bytes(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

std::uint64_t pairs_of(const CatalogueSize& size) {
  return size.pairs > 0 ? size.pairs : bytes(kPairsAnEvent * static_cast<double>(size.events));
}

double people_of(const CatalogueSize& size) {
  return size.people > 0 ? static_cast<double>(size.people) : static_cast<double>(pairs_of(size)) / kPairsAPerson;
}

double ease_bytes(const CatalogueSize& size, const SizeSettings& settings) {
  const auto n = static_cast<double>(size.items);
  return size.items <= settings.max_ease_items ? 8 * n * n : 0;  // the Gram matrix and its inverse
}

/// Each product while it is sorted and while it is kept.
double slim_bytes(const CatalogueSize& size, const SizeSettings& settings) {
  const training::SlimOptions slim;
  return settings.with_slim ? 16 * static_cast<double>(size.items * training::slim_products(size.items, slim.max_products)) : 0;
}

double vector_bytes(const SizeSettings& settings) {
  return settings.vector_factors == 0 ? 0 : 4 * (static_cast<double>(settings.vector_factors) + 16) + kLinkBytes;
}

/// What the vector channel adds to training.
double latent_bytes(const CatalogueSize& size, const SizeSettings& settings) {
  if (settings.vector_factors == 0) return 0;
  const auto pairs = static_cast<double>(pairs_of(size));
  return people_of(size) * 4 * static_cast<double>(settings.vector_factors) +
         kItemVectors * vector_bytes(settings) * static_cast<double>(size.items) + kAlsBytesAPair * pairs;
}

/// What rankers add to each part.
struct RankerNeed {
  double lake = 0;
  double bundle = 0;
  double train = 0;  ///< while they are fitted, beside the pairs and the split's release
  double serve = 0;
};

RankerNeed ranker_need(const CatalogueSize& size, const SizeSettings& settings) {
  if (!settings.with_ranker) return {};
  const double people = people_of(size);
  const auto items = static_cast<double>(size.items);
  const auto events = static_cast<double>(size.events);
  RankerNeed out;
  out.lake = kStoredBytes * (people + items);
  out.bundle = kFeatureBytesAPerson * people + kFeatureBytesAnItem * items + kFeatureBytesAnEvent * events;
  out.train = kRankerBytes;
  out.serve = kScoreBytes + kLiveBytesAPerson * people + kLiveBytesAnItem * items + kLiveBytesAnEvent * events;
  return out;
}

double mib(std::uint64_t value) { return static_cast<double>(value) / kMiB; }

}  // namespace

SizeSettings size_settings(const Config& config) {
  return {static_cast<std::size_t>(config.integer("training.neighbors")),
          static_cast<std::size_t>(config.integer("training.max_ease_items")),
          true,
          config.flag("training.ranker"),
          static_cast<std::size_t>(config.integer("training.vector_factors")),
          static_cast<std::uint64_t>(config.integer("pipeline.memory_mib")) << 20U};
}

SizePlan plan_size(const CatalogueSize& size, const SizeSettings& settings) {
  const auto items = static_cast<double>(size.items);
  const auto events = static_cast<double>(size.events);
  const double lists = kBundleBytesANeighbour + (settings.vector_factors > 0 ? 8 : 0);
  const double models = items * (kBundleBytesAnItem + lists * static_cast<double>(settings.neighbors) + vector_bytes(settings));
  const RankerNeed ranker = ranker_need(size, settings);
  const double bundle = models + ranker.bundle;
  SizePlan plan;
  plan.lake = bytes(kLakeBytesAnEvent * events + ranker.lake);
  plan.bundle = bytes(bundle);
  const double reading = kExtractAt * std::pow(std::max(events, 1.0) / kExtractEvents, kExtractPower);
  plan.extract = bytes(std::clamp(reading, kProgramBytes, kProgramBytes + static_cast<double>(settings.sql_memory_bytes)));
  // Models are fitted one after another; when the release is put together, what they needed is free again, as it is when rankers are fitted.
  const double most =
      std::max({kCopies * bundle, slim_bytes(size, settings), latent_bytes(size, settings)}) + ease_bytes(size, settings);
  const double ranking = settings.with_ranker ? ranker.train + kSplitCopies * bundle : 0;
  plan.train = bytes(kProgramBytes + std::max(most, ranking) + kTrainBytesAPair * static_cast<double>(pairs_of(size)));
  plan.serve = bytes(kServeBytes + bundle + ranker.serve);
  return plan;
}

BudgetedSettings fit_to_budget(const CatalogueSize& size, const SizeSettings& settings, std::uint64_t budget_bytes) {
  BudgetedSettings out{settings, 0, {}};
  const auto need = [&] { return plan_size(size, out.settings).train; };
  if (need() <= budget_bytes) return out;
  // A smaller model that saves nothing would be a loss for nothing.
  const auto leave_out = [&](auto SizeSettings::*field, std::string_view what) {
    const std::uint64_t with = need();
    if (with <= budget_bytes) return;
    const SizeSettings before = out.settings;
    out.settings.*field = 0;
    if (need() < with) {
      out.sentences.push_back(fmt::format("{} left out: otherwise training needs about {:.0f} MiB", what, mib(with)));
    } else {
      out.settings = before;
    }
  };
  // What saves nothing beside rankers may do so without them.
  for (int round = 0; round < 2; ++round) {
    leave_out(&SizeSettings::max_ease_items, "the dense linear model is");
    leave_out(&SizeSettings::with_slim, "the sparse linear model is");
    leave_out(&SizeSettings::with_ranker, "rankers are");
  }
  leave_out(&SizeSettings::vector_factors, "the vector channel is");
  while (need() > budget_bytes && out.settings.neighbors > kLeastNeighbors)
    out.settings.neighbors = std::max(kLeastNeighbors, out.settings.neighbors / 2);
  if (out.settings.neighbors < settings.neighbors)
    out.sentences.push_back(fmt::format("lists hold {} neighbours instead of {}", out.settings.neighbors, settings.neighbors));
  if (need() <= budget_bytes) return out;
  CatalogueSize least = size;
  least.pairs = std::max<std::uint64_t>(1, bytes(kLeastShare * static_cast<double>(pairs_of(size))));
  const std::uint64_t floor = plan_size(least, out.settings).train;
  if (floor > budget_bytes) {
    fail(ErrorCode::kInvalidArgument,
         "training.memory_mib allows {:.0f} MiB, and {} items with a tenth of their {} pairs of person and item need about "
         "{:.0f} MiB; "
         "raise it, or lower training.max_history",
         mib(budget_bytes), size.items, pairs_of(size), std::ceil(mib(floor)));
  }
  const double over = static_cast<double>(need() - budget_bytes);
  out.max_pairs = pairs_of(size) - bytes(std::ceil(over / kTrainBytesAPair));
  out.sentences.push_back(
      fmt::format("the newest {} of {} pairs of person and item are learned from", out.max_pairs, pairs_of(size)));
  return out;
}

}  // namespace lodestone::app
