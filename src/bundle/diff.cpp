#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "bundle/store.hpp"

namespace lodestone::bundle {
namespace {

using models::Catalog;
using models::NeighbourRow;

/// Neighbours of a list that are compared.
constexpr std::size_t kCompared = 10;

/// Mean share of the first neighbours of an item before that are among its first after.
class KeptShare {
 public:
  void add(const Catalog& old_catalog, const NeighbourRow& old_row, const Catalog& new_catalog, const NeighbourRow& new_row) {
    const std::size_t n = std::min(kCompared, old_row.items.size());
    if (n == 0) return;
    const auto now = new_row.items.first(std::min(kCompared, new_row.items.size()));
    std::size_t kept = 0;
    for (const ItemIndex item : old_row.items.first(n)) {
      const auto same = new_catalog.find(old_catalog.id(item));
      if (same && std::find(now.begin(), now.end(), *same) != now.end()) ++kept;
    }
    sum_ += static_cast<double>(kept) / static_cast<double>(n);
    ++count_;
  }
  /// 1 when there was nothing to keep.
  [[nodiscard]] double mean() const { return count_ == 0 ? 1.0 : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  std::size_t count_ = 0;
};

/// The numbers in some objects of a manifest, by "object.key".
std::map<std::string, double> numbers_of(const json::Value& manifest) {
  std::map<std::string, double> out;
  for (const char* name : {"channel_weights", "counts", "metrics"}) {
    const json::Value* group = manifest.find(name);
    if (group == nullptr || group->as_object() == nullptr) continue;
    for (const json::Member& member : *group->as_object()) {
      if (const auto number = member.value.as_number()) out[std::string(name) + "." + member.key] = *number;
    }
  }
  return out;
}

std::vector<NumberChange> compare_numbers(const json::Value& before, const json::Value& after) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::map<std::string, NumberChange> changes;
  for (const auto& [name, number] : numbers_of(before)) changes[name] = {name, number, kNone};
  for (const auto& [name, number] : numbers_of(after)) {
    NumberChange& change = changes.try_emplace(name, NumberChange{name, kNone, kNone}).first->second;
    change.after = number;
  }
  std::vector<NumberChange> out;
  for (const auto& [name, change] : changes) {
    if (change.before != change.after) out.push_back(change);  // NaN differs from all, itself too, and is never on both sides
  }
  return out;
}

}  // namespace

BundleDiff BundleStore::diff(const std::string& before, const std::string& after) const {
  const auto old_bundle = open(before);
  const auto new_bundle = open(after);
  const models::Release& a = old_bundle->release();
  const models::Release& b = new_bundle->release();
  BundleDiff out;
  KeptShare behavior;
  KeptShare content;
  KeptShare popular;
  for (std::size_t i = 0; i < a.catalog.n_items(); ++i) {
    const auto old_item = static_cast<ItemIndex>(i);
    const auto new_item = b.catalog.find(a.catalog.id(old_item));
    if (!new_item) {
      ++out.items_removed;
      continue;
    }
    ++out.lists_compared;
    const bool same = a.catalog.card(old_item) == b.catalog.card(*new_item) &&
                      a.catalog.is_available(old_item) == b.catalog.is_available(*new_item);
    if (!same) ++out.items_changed;
    behavior.add(a.catalog, a.behavior.row(old_item), b.catalog, b.behavior.row(*new_item));
    content.add(a.catalog, a.content.row(old_item), b.catalog, b.content.row(*new_item));
  }
  popular.add(a.catalog, a.popular.row(0), b.catalog, b.popular.row(0));
  out.items_added = b.catalog.n_items() - out.lists_compared;
  out.behavior_kept = behavior.mean();
  out.content_kept = content.mean();
  out.popular_kept = popular.mean();
  out.users_before = a.users.size();
  out.users_after = b.users.size();
  out.numbers = compare_numbers(old_bundle->manifest().document, new_bundle->manifest().document);
  return out;
}

}  // namespace lodestone::bundle
