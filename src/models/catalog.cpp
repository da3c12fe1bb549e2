#include "models/catalog.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/json.hpp"
#include "models/release.hpp"

namespace lodestone::models {
namespace {

/// Texts numbered in the order in which they were first seen.
class Numbering {
 public:
  std::int32_t number(const std::string& text) {
    const auto [it, added] = numbers_.emplace(text, static_cast<std::int32_t>(texts_.size()));
    if (added) texts_.push_back(text);
    return it->second;
  }
  /// Adds what Dictionary reads. The writer takes views, so this must outlive its save().
  void add_to(TensorWriter& writer, const std::string& name) {
    order_.resize(texts_.size());
    std::iota(order_.begin(), order_.end(), 0);
    const auto text = [&](std::int32_t number) -> const std::string& { return texts_[static_cast<std::size_t>(number)]; };
    std::sort(order_.begin(), order_.end(), [&](std::int32_t a, std::int32_t b) { return text(a) < text(b); });
    writer.add_texts(name, texts_);
    writer.add(name + ".order", order_);
  }

 private:
  std::unordered_map<std::string, std::int32_t> numbers_;
  std::vector<std::string> texts_;
  std::vector<std::int32_t> order_;
};

std::string make_card(const Item& item) {
  std::string card = "\"dataset_id\":";
  json::append_number(card, raw(item.id));
  card += ",\"title\":";
  json::append_string(card, item.title);
  card += ",\"price\":";
  json::append_number(card, item.price);
  card += ",\"cover_image\":";
  if (item.cover_image.empty()) {
    card += "null";
  } else {
    json::append_string(card, item.cover_image);
  }
  return card;
}

/// Each number names an element of a list of n; throws corrupt otherwise.
void check_numbers(const TensorFile& file, std::string_view name, std::span<const std::int32_t> numbers, std::size_t n) {
  for (const std::int32_t number : numbers) {
    if (number < 0 || static_cast<std::size_t>(number) >= n) {
      fail(ErrorCode::kCorrupt, "{}: array {} holds {}, beyond its {} names", file.file().path().string(), name, number, n);
    }
  }
}

}  // namespace

Catalog::Catalog(const TensorFile& file) {
  ids_ = file.array<std::int64_t>("item_id");
  const std::size_t n = ids_.size();
  for (std::size_t i = 1; i < n; ++i) {
    if (ids_[i - 1] >= ids_[i]) fail(ErrorCode::kCorrupt, "{}: item ids do not rise at {}", file.file().path().string(), i);
  }
  titles_ = file.texts("title", n);
  descriptions_ = file.texts("description", n);
  covers_ = file.texts("cover_image", n);
  cards_ = file.texts("card", n);
  prices_ = file.array<double>("price", n);
  records_ = file.array<double>("records", n);
  created_at_ = file.array<std::int64_t>("created_at", n);
  updated_at_ = file.array<std::int64_t>("updated_at", n);
  available_ = file.array<std::uint8_t>("is_available", n);
  category_of_ = file.array<std::int32_t>("category", n);
  company_of_ = file.array<std::int32_t>("company", n);
  format_of_ = file.array<std::int32_t>("data_format", n);
  categories_ = Dictionary(file, "category_names");
  companies_ = Dictionary(file, "company_names");
  formats_ = Dictionary(file, "data_format_names");
  tag_names_ = Dictionary(file, "tag_names");
  tags_ = file.array<std::int32_t>("tags");
  tag_offsets_ = file.offsets("tags.offsets", n, tags_.size());
  check_numbers(file, "category", category_of_, categories_.size());
  check_numbers(file, "company", company_of_, companies_.size());
  check_numbers(file, "data_format", format_of_, formats_.size());
  check_numbers(file, "tags", tags_, tag_names_.size());
}

std::optional<ItemIndex> Catalog::find(ItemId id) const {
  const auto it = std::lower_bound(ids_.begin(), ids_.end(), raw(id));
  if (it == ids_.end() || *it != raw(id)) return std::nullopt;
  return static_cast<ItemIndex>(it - ids_.begin());
}

void save_catalog(std::span<const Item> items, const fs::path& path) {
  std::vector<std::int64_t> ids;
  std::vector<std::string> titles;
  std::vector<std::string> descriptions;
  std::vector<std::string> covers;
  std::vector<std::string> cards;
  std::vector<double> prices;
  std::vector<double> records;
  std::vector<std::int64_t> created;
  std::vector<std::int64_t> updated;
  std::vector<std::uint8_t> available;
  const std::vector<std::int32_t> categories = number_categories(items);
  Numbering category_names;
  Numbering company_names;
  Numbering format_names;
  Numbering tag_names;
  std::vector<std::int32_t> companies;
  std::vector<std::int32_t> formats;
  std::vector<std::int32_t> tags;
  std::vector<std::uint64_t> tag_offsets{0};
  for (const Item& item : items) {
    LODESTONE_ASSERT(ids.empty() || ids.back() < raw(item.id), "item ids must rise, {} follows {}", raw(item.id), ids.back());
    ids.push_back(raw(item.id));
    titles.push_back(item.title);
    descriptions.push_back(item.description);
    covers.push_back(item.cover_image);
    cards.push_back(make_card(item));
    prices.push_back(item.price);
    records.push_back(item.records);
    created.push_back(item.created_at);
    updated.push_back(item.updated_at);
    available.push_back(item.is_available ? 1 : 0);
    category_names.number(item.category);
    companies.push_back(company_names.number(item.company));
    formats.push_back(format_names.number(item.data_format));
    for (const std::string& tag : item.tags) tags.push_back(tag_names.number(tag));
    tag_offsets.push_back(tags.size());
  }
  TensorWriter writer;
  writer.add("item_id", ids);
  writer.add_texts("title", titles);
  writer.add_texts("description", descriptions);
  writer.add_texts("cover_image", covers);
  writer.add_texts("card", cards);
  writer.add("price", prices);
  writer.add("records", records);
  writer.add("created_at", created);
  writer.add("updated_at", updated);
  writer.add("is_available", available);
  writer.add("category", categories);
  writer.add("company", companies);
  writer.add("data_format", formats);
  category_names.add_to(writer, "category_names");
  company_names.add_to(writer, "company_names");
  format_names.add_to(writer, "data_format_names");
  tag_names.add_to(writer, "tag_names");
  writer.add("tags.offsets", tag_offsets);
  writer.add("tags", tags);
  writer.save(path);
}

}  // namespace lodestone::models
