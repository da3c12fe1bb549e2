#include "serving/exposure.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace lodestone::serving {
namespace {

struct PackedItem {
  std::int64_t id;
  float score;
  float propensity;
  engine::ChannelSet channels;
};

PackedItem pack_item(const models::Catalog& catalog, const engine::PageItem& item) {
  PackedItem packed{};
  packed.id = raw(catalog.id(item.item));
  packed.score = item.score;
  packed.propensity = item.propensity;
  packed.channels = item.channels;
  return packed;
}

constexpr std::size_t kTexts = 14;

/// Writes into memory that is large enough.
class Packer {
 public:
  explicit Packer(char* to) : to_(to) {}

  template <typename Value>
  void put(Value value) {
    std::memcpy(to_, &value, sizeof value);
    to_ += sizeof value;
  }
  template <typename Size = std::uint16_t>
  void put_text(std::string_view text) {
    const auto size = static_cast<Size>(std::min<std::size_t>(text.size(), std::numeric_limits<Size>::max()));  // none is as long
    put(size);
    if (size > 0) std::memcpy(to_, text.data(), size);
    to_ += size;
  }
  template <typename Id>
  void put_id(const std::optional<Id>& id) {
    put(static_cast<std::uint8_t>(id ? 1 : 0));
    put(id ? raw(*id) : std::int64_t{0});
  }
  [[nodiscard]] const char* end() const { return to_; }

 private:
  char* to_;
};

/// All texts of an exposure, in the order in which they are packed: three before the items, the rest behind.
std::array<std::string_view, kTexts> texts_of(const Exposure& exposure) {
  return {exposure.request_id,
          exposure.visitor_id,
          exposure.algorithm_version,
          exposure.endpoint,
          exposure.slot,
          exposure.variant,
          exposure.experiment_variant,
          exposure.degrade_reason,
          exposure.origin.source,
          exposure.origin.user_agent,
          exposure.origin.accept_language,
          exposure.origin.client_app,
          exposure.model_run_id,
          exposure.feature_snapshot_id};
}

/// Reads what a Packer has put, in the same order.
class Unpacker {
 public:
  explicit Unpacker(std::string_view record) : rest_(record) {}

  template <typename Value>
  Value take() {
    Value value{};
    LODESTONE_ASSERT(rest_.size() >= sizeof value, "{} bytes left of an exposure", rest_.size());
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  template <typename Size = std::uint16_t>
  std::string_view take_text() {
    const auto size = take<Size>();
    LODESTONE_ASSERT(rest_.size() >= size, "{} of {} bytes left of an exposure", rest_.size(), size);
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }

 private:
  std::string_view rest_;
};

void append_text(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  if (text.empty()) {
    out += "null";
  } else {
    json::append_string(out, text);
  }
}

void append_id(std::string& out, std::string_view name, Unpacker& from) {
  const bool is_there = from.take<std::uint8_t>() != 0;
  const auto id = from.take<std::int64_t>();
  out.append(",\"").append(name).append("\":");
  if (is_there) {
    json::append_number(out, id);
  } else {
    out += "null";
  }
}

/// As answers have it.
void append_number(std::string& out, float value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

/// `take()` gives one of the `n` items after the other.
template <typename Take>
void append_list(std::string& out, std::size_t n, std::span<const std::string> external_names, const Take& take) {
  out += '[';
  for (std::size_t i = 0; i < n; ++i) {
    const PackedItem item = take();
    out += i == 0 ? "{\"dataset_id\":" : ",{\"dataset_id\":";
    json::append_number(out, item.id);
    out += ",\"score\":";
    append_number(out, item.score);
    out += ",\"reason\":\"";
    engine::append_reason(out, item.channels, external_names);
    out += "\",\"propensity\":";
    append_number(out, item.propensity);
    out += '}';
  }
  out += ']';
}

void append_items(std::string& out, Unpacker& from, std::span<const std::string> external_names) {
  out += ",\"items\":";
  const auto text = from.take_text<std::uint32_t>();
  out += text;
  const auto n = from.take<std::uint16_t>();
  if (text.empty()) append_list(out, n, external_names, [&from] { return from.take<PackedItem>(); });
}

}  // namespace

std::string_view pack_exposure(const Exposure& exposure, const ExposedItems& items, std::string& buffer) {
  constexpr std::size_t kNumbers = 64;  // time, two ids, two counts, the size of a text
  const std::array<std::string_view, kTexts> texts = texts_of(exposure);
  const auto packed = items.text.empty() ? items.items : std::span<const engine::PageItem>();
  std::size_t most = kNumbers + items.text.size() + packed.size() * sizeof(PackedItem);
  for (const std::string_view text : texts) most += sizeof(std::uint16_t) + text.size();
  for (const std::string_view name : exposure.external_names) most += sizeof(std::uint16_t) + name.size();
  if (buffer.size() < most) buffer.resize(most);
  Packer to(buffer.data());
  to.put(exposure.at.time_since_epoch().count());
  to.put_text(texts[0]);
  to.put_id(exposure.user);
  to.put_text(texts[1]);
  to.put_id(exposure.page);
  to.put_text(texts[2]);
  to.put(static_cast<std::uint8_t>(exposure.external_names.size()));
  for (const std::string_view name : exposure.external_names) to.put_text(name);
  to.put_text<std::uint32_t>(items.text);
  to.put(static_cast<std::uint16_t>(packed.size()));
  for (const engine::PageItem& item : packed) to.put(pack_item(items.catalog, item));
  for (std::size_t t = 3; t < kTexts; ++t) to.put_text(texts[t]);
  return {buffer.data(), static_cast<std::size_t>(to.end() - buffer.data())};
}

void append_exposed(std::string& out, const ExposedItems& items, std::span<const std::string> external_names) {
  auto item = items.items.begin();
  append_list(out, items.items.size(), external_names, [&] { return pack_item(items.catalog, *item++); });
}

void append_exposure(std::string& out, std::string_view record) {
  Unpacker from(record);
  const TimePoint at{std::chrono::microseconds(from.take<std::int64_t>())};
  out += "{\"request_id\":";
  json::append_string(out, from.take_text());
  append_id(out, "user_id", from);
  append_text(out, "visitor_id", from.take_text());
  append_id(out, "page_id", from);
  append_text(out, "algorithm_version", from.take_text());
  std::vector<std::string> external_names(from.take<std::uint8_t>());
  for (std::string& name : external_names) name = from.take_text();
  append_items(out, from, external_names);
  out.append(",\"timestamp\":\"").append(format_rfc3339(at)).append("\",\"context\":{\"endpoint\":");
  json::append_string(out, from.take_text());
  for (const std::string_view name : {"slot", "variant", "experiment_variant", "degrade_reason", "source"})
    append_text(out, name, from.take_text());
  append_text(out, "device_type", device_type_of(from.take_text()));
  append_text(out, "locale", locale_of(from.take_text()));
  append_text(out, "client_app", client_app_of(from.take_text()));
  for (const std::string_view name : {"model_run_id", "feature_snapshot_id"}) append_text(out, name, from.take_text());
  out += "}}\n";
}

}  // namespace lodestone::serving
