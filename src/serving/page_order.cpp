#include "serving/page_order.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/json.hpp"
#include "base/nearest.hpp"
#include "http/problem.hpp"
#include "serving/list_limits.hpp"

namespace lodestone::serving {
namespace {

constexpr std::size_t kMaxNameBytes = 64;

[[noreturn]] void refuse(const std::string& parameter, std::string_view expected, const json::Value& found) {
  throw http::ParameterError(parameter, fmt::format("{} is {}, expected {}", parameter, json::format(found), expected));
}

/// An object whose members are read by name; `path` stands before them in sentences.
class Members {
 public:
  Members(const json::Value& value, std::string path, const std::vector<std::string>& known)
      : value_(value), path_(std::move(path)) {
    if (value.as_object() == nullptr)
      refuse(path_.empty() ? "body" : path_, fmt::format("an object with {}", fmt::join(known, ", ")), value);
    for (const json::Member& member : *value.as_object()) {
      if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
      throw http::ParameterError(name(member.key),
                                 fmt::format("unknown member \"{}\"{}", name(member.key), suggest(member.key, known)));
    }
  }

  [[nodiscard]] std::string name(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }
  /// nullptr when it is missing or null.
  [[nodiscard]] const json::Value* find(std::string_view key) const {
    const json::Value* found = value_.find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  [[nodiscard]] const json::Value& require(std::string_view key, std::string_view expected) const {
    const json::Value* found = find(key);
    if (found == nullptr) throw http::ParameterError(name(key), fmt::format("{} is missing, expected {}", name(key), expected));
    return *found;
  }
  [[nodiscard]] std::optional<std::int64_t> id(std::string_view key) const {
    const json::Value* found = find(key);
    if (found == nullptr) return std::nullopt;
    const std::optional<std::int64_t> id = found->as_integer();
    if (!id) refuse(name(key), "a 64-bit integer id", *found);
    return id;
  }
  [[nodiscard]] std::string text(std::string_view key, const json::Value& value, std::size_t most) const {
    const std::string* found = value.as_string();
    if (found == nullptr || found->empty() || found->size() > most)
      refuse(name(key), fmt::format("a text of 1 to {} bytes", most), value);
    return *found;
  }

 private:
  const json::Value& value_;
  std::string path_;
};

engine::PageKind read_kind(const Members& members) {
  constexpr std::string_view kExpected = "\"similar\", \"user\" or \"trending\"";
  const json::Value& value = members.require("kind", kExpected);
  const std::string* kind = value.as_string();
  if (kind != nullptr && *kind == "similar") return engine::PageKind::kSimilar;
  if (kind != nullptr && *kind == "user") return engine::PageKind::kUser;
  if (kind != nullptr && *kind == "trending") return engine::PageKind::kTrending;
  refuse(members.name("kind"), kExpected, value);
}

std::size_t read_limit(const Members& members, engine::PageKind kind) {
  const bool trending = kind == engine::PageKind::kTrending;
  const std::int64_t most = trending ? kMaxTrending : kMaxLimit;
  const json::Value* value = members.find("limit");
  if (value == nullptr) return static_cast<std::size_t>(trending ? kDefaultTrending : kDefaultLimit);
  const std::optional<std::int64_t> limit = value->as_integer();
  if (!limit || *limit < 1 || *limit > most) refuse(members.name("limit"), fmt::format("an integer from 1 to {}", most), *value);
  return static_cast<std::size_t>(*limit);
}

SlotOrder read_slot(const json::Value& value, std::size_t number) {
  const Members members(value, fmt::format("slots[{}]", number), {"name", "kind", "dataset_id", "limit", "filter"});
  SlotOrder slot;
  slot.name = members.text("name", members.require("name", fmt::format("a text of 1 to {} bytes", kMaxNameBytes)), kMaxNameBytes);
  slot.kind = read_kind(members);
  slot.limit = read_limit(members, slot.kind);
  if (slot.kind == engine::PageKind::kSimilar) {
    (void)members.require("dataset_id", "the data set that the list belongs to");
    slot.item = ItemId(*members.id("dataset_id"));
  } else if (const json::Value* found = members.find("dataset_id")) {
    refuse(members.name("dataset_id"), "none, as only a slot of kind similar belongs to a data set", *found);
  }
  if (const json::Value* filter = members.find("filter")) {
    const std::string* text = filter->as_string();
    if (text == nullptr) refuse(members.name("filter"), "a text", *filter);
    if (text->empty()) return slot;
    try {
      slot.filter = engine::Filter::parse(*text);
    } catch (const Error& error) {
      throw http::ParameterError(members.name("filter"), error.message());
    }
  }
  return slot;
}

}  // namespace

PageOrder parse_page_order(std::string_view body) {
  const json::Value value = json::parse(body, "body");
  const Members members(value, "", {"user_id", "visitor_id", "slots"});
  PageOrder order;
  if (const auto id = members.id("user_id")) order.user = UserId(*id);
  if (const json::Value* visitor = members.find("visitor_id"))
    order.visitor_id = members.text("visitor_id", *visitor, kMaxVisitorBytes);
  const std::string expected = fmt::format("an array of 1 to {} slots", kMaxSlots);
  const json::Value& slots = members.require("slots", expected);
  if (slots.as_array() == nullptr) refuse("slots", expected, slots);
  const json::Array& list = *slots.as_array();
  if (list.empty() || list.size() > kMaxSlots) {
    throw http::ParameterError("slots", fmt::format("slots holds {}, expected {}", list.size(), expected));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    SlotOrder slot = read_slot(list[i], i);
    for (std::size_t k = 0; k < i; ++k) {
      if (order.slots[k].name != slot.name) continue;
      const std::string name = fmt::format("slots[{}].name", i);
      throw http::ParameterError(name, fmt::format("{} is \"{}\", which slots[{}] is called already", name, slot.name, k));
    }
    order.slots.push_back(std::move(slot));
  }
  return order;
}

}  // namespace lodestone::serving
