#include "serving/channel_answer.hpp"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"

namespace lodestone::serving {
namespace {

// Layout, little endian: "LC1\n", n items of (int64 id, float score), XXH3 of all before it. It is read by machines of one kind only.
constexpr std::string_view kMagic = "LC1\n";
constexpr std::size_t kItemBytes = sizeof(std::int64_t) + sizeof(float);
constexpr std::size_t kCheckBytes = sizeof(std::uint64_t);

template <typename Number>
void put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename Number>
Number take(std::string_view bytes, std::size_t at) {
  Number value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <typename Number>
bool to_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<std::vector<ChannelItem>> read_channel_json(std::string_view text) {
  json::Value body;
  try {
    body = json::parse(text, "answer");
  } catch (const Error&) {
    return std::nullopt;
  }
  const json::Value* list = body.as_object() != nullptr ? body.find("items") : &body;
  const json::Array* array = list == nullptr ? nullptr : list->as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<ChannelItem> out;
  out.reserve(array->size());
  for (const json::Value& one : *array) {
    const float by_place = 1 / static_cast<float>(out.size() + 1);
    // An item is its number alone, or an object that may have a score.
    const bool is_object = one.as_object() != nullptr;
    const json::Value* number = is_object ? one.find("dataset_id") : &one;
    const json::Value* score = is_object ? one.find("score") : nullptr;
    if (number == nullptr || (score != nullptr && !score->as_number())) return std::nullopt;
    const std::optional<std::int64_t> id = number->as_integer();
    if (!id) return std::nullopt;
    out.push_back({*id, score == nullptr ? by_place : static_cast<float>(*score->as_number())});
  }
  return out;
}

std::optional<std::vector<ChannelItem>> read_channel_zset(const cache::RespValue& reply) {
  if (reply.kind != cache::RespValue::Kind::kArray || reply.items.size() % 2 != 0) return std::nullopt;
  std::vector<ChannelItem> out;
  for (std::size_t i = 0; i < reply.items.size(); i += 2) {
    ChannelItem item;
    if (!to_number(reply.items[i].text, item.item) || !to_number(reply.items[i + 1].text, item.score)) return std::nullopt;
    out.push_back(item);
  }
  return out;
}

std::string pack_channel_answer(std::vector<ChannelItem> items, std::size_t limit) {
  std::erase_if(items, [](const ChannelItem& item) { return !(item.score > 0) || !std::isfinite(item.score); });
  std::ranges::stable_sort(items, std::greater<>(), &ChannelItem::score);
  absl::flat_hash_set<std::int64_t> seen;
  std::string out(kMagic);
  for (const ChannelItem& item : items) {
    if (seen.size() == limit) break;
    if (!seen.insert(item.item).second) continue;
    put(out, item.item);
    put(out, item.score);
  }
  put(out, xxh3(out));
  return out;
}

bool is_channel_answer(std::string_view bytes) {
  const std::size_t frame = kMagic.size() + kCheckBytes;
  if (bytes.size() < frame || (bytes.size() - frame) % kItemBytes != 0 || !bytes.starts_with(kMagic)) return false;
  const std::size_t end = bytes.size() - kCheckBytes;
  return take<std::uint64_t>(bytes, end) == xxh3(bytes.substr(0, end));
}

std::size_t channel_answer_size(std::string_view bytes) { return (bytes.size() - kMagic.size() - kCheckBytes) / kItemBytes; }

ChannelItem channel_answer_item(std::string_view bytes, std::size_t i) {
  const std::size_t at = kMagic.size() + i * kItemBytes;
  return {take<std::int64_t>(bytes, at), take<float>(bytes, at + sizeof(std::int64_t))};
}

}  // namespace lodestone::serving
