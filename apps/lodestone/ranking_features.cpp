#include "ranking_features.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace lodestone::app {
namespace {

using features::FeatureTable;

/// Rows of the table by id, [n_ids, n_columns].
template <typename Ids>
models::OwnedRanking::Rows pick_rows(const FeatureTable& table, const std::vector<std::string>& columns, const Ids& ids) {
  models::OwnedRanking::Rows out;
  out.columns = columns;
  const std::vector<float> defaults = features::default_row(columns);
  std::vector<std::size_t> places;
  for (const std::string& name : columns) places.push_back(features::find_feature(table.group, name).value());
  out.values.reserve(ids.size() * columns.size());
  for (const std::int64_t id : ids) {
    const std::optional<std::size_t> row = table.find(id);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const float value = row ? table.row(*row)[places[c]] : defaults[c];
      out.values.push_back(std::isnan(value) ? defaults[c] : value);
    }
  }
  return out;
}

/// Each tag once, as the vectorizer counts them.
void add_tags(const features::Vocabularies& vocabularies, const std::vector<models::Item>& items, models::OwnedRanking& out) {
  std::unordered_map<std::string_view, std::int32_t> codes;
  if (const auto tags = vocabularies.find("tag"); tags != vocabularies.end()) {
    for (std::size_t code = 1; code < tags->second.size(); ++code)
      codes.emplace(tags->second[code], static_cast<std::int32_t>(code));
  }
  for (const models::Item& item : items) {
    const std::size_t begin = out.item_tags.size();
    for (const std::string& tag : item.tags) {
      const auto code = codes.find(tag);
      out.item_tags.push_back(code == codes.end() ? 0 : code->second);
    }
    const auto first = out.item_tags.begin() + static_cast<std::ptrdiff_t>(begin);
    std::sort(first, out.item_tags.end());
    // Rare tags share the code 0 and still are different ones.
    out.item_tags.erase(std::unique(first, out.item_tags.end(), [](std::int32_t a, std::int32_t b) { return a != 0 && a == b; }),
                        out.item_tags.end());
    out.tag_offsets.push_back(out.item_tags.size());
  }
}

}  // namespace

models::OwnedRanking store_features(const features::FeatureSet& set, const features::StoredColumns& columns,
                                    const models::ReleaseData& data) {
  std::vector<std::int64_t> users;
  for (const models::UserData& user : data.users) users.push_back(raw(user.id));
  std::vector<std::int64_t> items;
  for (const models::Item& item : data.items) items.push_back(raw(item.id));
  models::OwnedRanking out;
  out.users = pick_rows(set.users, columns.user, users);
  out.items = pick_rows(set.items, columns.item, items);
  out.vocabularies = set.vocabularies;
  add_tags(set.vocabularies, data.items, out);
  return out;
}

}  // namespace lodestone::app
