#include "simulation/clusters.hpp"

#include <algorithm>
#include <map>

namespace lodestone::simulation {
namespace {

constexpr std::size_t kSmallestCluster = 5;
constexpr std::size_t kMostClusters = 96;
constexpr std::uint32_t kNone = UINT32_MAX;

std::string normalised(std::string_view tag) {
  std::string out(tag);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-' || c == '_') c = ' ';
  }
  return out;
}

struct Tags {
  std::vector<std::string> names;                   // sorted
  std::vector<std::vector<std::uint32_t>> items;    // items of each tag
  std::vector<std::vector<std::uint32_t>> of_item;  // tags of each item, rarest first
};

Tags index_tags(std::span<const CatalogueItem> items) {
  std::map<std::string, std::vector<std::uint32_t>> by_name;
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    std::vector<std::string> names;
    for (const std::string& tag : items[i].tags) names.push_back(normalised(tag));
    if (!items[i].category.empty()) names.push_back(normalised(items[i].category));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) by_name[name].push_back(i);
  }
  Tags tags;
  tags.of_item.resize(items.size());
  for (auto& [name, members] : by_name) {
    for (const std::uint32_t item : members) tags.of_item[item].push_back(static_cast<std::uint32_t>(tags.names.size()));
    tags.names.push_back(name);
    tags.items.push_back(std::move(members));
  }
  for (auto& list : tags.of_item) {
    std::sort(list.begin(), list.end(), [&](std::uint32_t a, std::uint32_t b) {
      return tags.items[a].size() != tags.items[b].size() ? tags.items[a].size() < tags.items[b].size() : a < b;
    });
  }
  return tags;
}

/// Makes clusters by greedy cover; returns the cluster of each item, kNone where it has none.
std::vector<std::uint32_t> cover(const Tags& tags, std::size_t n_items, std::vector<std::string>& names) {
  std::vector<std::uint32_t> cluster(n_items, kNone);
  const std::size_t most = std::max(n_items / 20, 2 * kSmallestCluster);
  while (names.size() < kMostClusters) {
    std::size_t best = 0;
    std::size_t best_count = 0;
    for (std::size_t tag = 0; tag < tags.names.size(); ++tag) {
      if (tags.items[tag].size() > most) continue;
      const auto count = static_cast<std::size_t>(std::count_if(tags.items[tag].begin(), tags.items[tag].end(),
                                                                [&](std::uint32_t item) { return cluster[item] == kNone; }));
      if (count > best_count) {
        best = tag;
        best_count = count;
      }
    }
    if (best_count < kSmallestCluster) break;
    for (const std::uint32_t item : tags.items[best]) {
      if (cluster[item] == kNone) cluster[item] = static_cast<std::uint32_t>(names.size());
    }
    names.push_back(tags.names[best]);
  }
  return cluster;
}

/// The cluster that most of the items sharing a tag with `item` lie in; a rare tag weighs more than a common one.
std::uint32_t nearest_cluster(const Tags& tags, const std::vector<std::uint32_t>& cluster, std::size_t n_clusters,
                              std::uint32_t item) {
  std::vector<double> votes(n_clusters, 0.0);
  for (const std::uint32_t tag : tags.of_item[item]) {
    for (const std::uint32_t other : tags.items[tag]) {
      if (cluster[other] != kNone) votes[cluster[other]] += 1.0 / static_cast<double>(tags.items[tag].size());
    }
  }
  const auto best = std::max_element(votes.begin(), votes.end());
  return best == votes.end() || *best <= 0 ? kNone : static_cast<std::uint32_t>(best - votes.begin());
}

}  // namespace

Clustering cluster_by_tags(std::span<const CatalogueItem> items) {
  const Tags tags = index_tags(items);
  Clustering result;
  const std::vector<std::uint32_t> covered = cover(tags, items.size(), result.names);
  result.members.resize(result.names.size());
  std::vector<std::uint32_t> rest;
  for (std::uint32_t item = 0; item < items.size(); ++item) {
    const std::uint32_t home = covered[item] != kNone ? covered[item] : nearest_cluster(tags, covered, result.names.size(), item);
    if (home == kNone) {
      rest.push_back(item);
    } else {
      result.members[home].push_back(item);
    }
  }
  if (!rest.empty()) {
    result.names.emplace_back("other");
    result.members.push_back(std::move(rest));
  }
  // Items that share tags stand beside each other: compared by their tags from common to rare, so that the order is that of a tree.
  for (auto& members : result.members) {
    std::sort(members.begin(), members.end(), [&](std::uint32_t a, std::uint32_t b) {
      const auto& x = tags.of_item[a];
      const auto& y = tags.of_item[b];
      if (x != y) return std::lexicographical_compare(x.rbegin(), x.rend(), y.rbegin(), y.rend());
      return a < b;
    });
  }
  return result;
}

}  // namespace lodestone::simulation
