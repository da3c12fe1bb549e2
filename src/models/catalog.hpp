#pragma once
// The items of a release: what the filter compares and what the cards show, column by column. Views over a mapped file, const, safe
// from many threads. Items are numbered 0 .. n_items-1 in ascending order of item id.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/tensor_file.hpp"
#include "models/dictionary.hpp"

namespace lodestone::models {

/// One item with its own memory, as the lake gives it. A missing number is NaN, a missing text is empty, a missing time is kNoTime.
struct Item {
  static constexpr std::int64_t kNoTime = INT64_MIN;
  ItemId id{};
  std::string title;
  std::string description;
  std::vector<std::string> tags;
  std::string category;
  std::string company;
  double price = 0;         ///< yuan, NaN when unknown
  std::string cover_image;  ///< URL, "" when there is none
  std::string data_format;
  double records = 0;                 ///< NaN when unknown
  std::int64_t created_at = kNoTime;  ///< microseconds since 1970, UTC
  std::int64_t updated_at = kNoTime;
  bool is_available = true;
};

class Catalog {
 public:
  Catalog() = default;
  /// Takes views of the arrays of items.safetensors; throws corrupt when they do not fit each other.
  explicit Catalog(const TensorFile& file);

  [[nodiscard]] std::size_t n_items() const { return ids_.size(); }
  [[nodiscard]] ItemId id(ItemIndex item) const { return ItemId(ids_[index(item)]); }
  /// Binary search.
  [[nodiscard]] std::optional<ItemIndex> find(ItemId id) const;
  [[nodiscard]] std::string_view title(ItemIndex item) const { return titles_[index(item)]; }
  [[nodiscard]] std::string_view description(ItemIndex item) const { return descriptions_[index(item)]; }
  [[nodiscard]] double price(ItemIndex item) const { return prices_[index(item)]; }
  [[nodiscard]] std::string_view cover_image(ItemIndex item) const { return covers_[index(item)]; }
  [[nodiscard]] std::string_view category(ItemIndex item) const { return categories_[category_number(item)]; }
  [[nodiscard]] std::int32_t category_number(ItemIndex item) const { return category_of_[index(item)]; }
  [[nodiscard]] std::size_t n_categories() const { return categories_.size(); }
  [[nodiscard]] std::string_view category_name(std::int32_t number) const { return categories_[number]; }
  [[nodiscard]] std::string_view company(ItemIndex item) const { return companies_[company_number(item)]; }
  [[nodiscard]] std::int32_t company_number(ItemIndex item) const { return company_of_[index(item)]; }
  [[nodiscard]] std::string_view data_format(ItemIndex item) const { return formats_[data_format_number(item)]; }
  [[nodiscard]] std::int32_t data_format_number(ItemIndex item) const { return format_of_[index(item)]; }
  /// Numbers of the item's tags in tag_name().
  [[nodiscard]] std::span<const std::int32_t> tags(ItemIndex item) const {
    return tags_.subspan(tag_offsets_[index(item)], tag_offsets_[index(item) + 1] - tag_offsets_[index(item)]);
  }
  [[nodiscard]] std::string_view tag_name(std::int32_t number) const { return tag_names_[number]; }
  /// The texts behind the numbers.
  [[nodiscard]] const Dictionary& categories() const { return categories_; }
  [[nodiscard]] const Dictionary& companies() const { return companies_; }
  [[nodiscard]] const Dictionary& data_formats() const { return formats_; }
  [[nodiscard]] const Dictionary& tag_names() const { return tag_names_; }
  [[nodiscard]] double records(ItemIndex item) const { return records_[index(item)]; }
  [[nodiscard]] std::int64_t created_at(ItemIndex item) const { return created_at_[index(item)]; }
  [[nodiscard]] std::int64_t updated_at(ItemIndex item) const { return updated_at_[index(item)]; }
  [[nodiscard]] bool is_available(ItemIndex item) const { return available_[index(item)] != 0; }
  /// `"dataset_id":12,"title":"...","price":1.2,"cover_image":null`: the constant part of the item's JSON, made when the bundle was
  /// packed, so that an answer copies it instead of formatting it.
  [[nodiscard]] std::string_view card(ItemIndex item) const { return cards_[index(item)]; }

 private:
  static std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }

  std::span<const std::int64_t> ids_;
  TextList titles_;
  TextList descriptions_;
  TextList covers_;
  TextList cards_;
  std::span<const double> prices_;
  std::span<const double> records_;
  std::span<const std::int64_t> created_at_;
  std::span<const std::int64_t> updated_at_;
  std::span<const std::uint8_t> available_;
  std::span<const std::int32_t> category_of_;
  std::span<const std::int32_t> company_of_;
  std::span<const std::int32_t> format_of_;
  Dictionary categories_;
  Dictionary companies_;
  Dictionary formats_;
  Dictionary tag_names_;
  std::span<const std::uint64_t> tag_offsets_;
  std::span<const std::int32_t> tags_;
};

/// Writes items (ascending ids, no repeats: anything else is a bug) as items.safetensors.
void save_catalog(std::span<const Item> items, const fs::path& path);

}  // namespace lodestone::models
