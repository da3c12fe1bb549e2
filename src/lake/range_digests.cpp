#include "lake/range_digests.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.hpp"
#include "base/json.hpp"

namespace lodestone::lake {
namespace {

using sources::RangeDigest;

[[noreturn]] void refuse(const std::string& file, const char* what) {
  fail(ErrorCode::kCorrupt, "{}: {}; remove the file, then the next extract compares the whole table", file, what);
}

// Sums go beyond the integers of JSON.
std::string format_unsigned(std::uint64_t value) { return std::to_string(value); }

std::uint64_t parse_unsigned(const json::Value& value, const std::string& file) {
  std::uint64_t out = 0;
  const std::string* text = value.as_string();
  if (text == nullptr || std::from_chars(text->data(), text->data() + text->size(), out).ptr != text->data() + text->size())
    refuse(file, "a digest is no number");
  return out;
}

}  // namespace

std::int64_t range_of(std::int64_t key, std::int64_t width) { return key >= 0 ? key / width : -((-(key + 1)) / width) - 1; }

void RangeDigests::coarsen() {
  std::vector<RangeDigest> coarse;
  for (const RangeDigest& fine : ranges) {
    const std::int64_t range = range_of(fine.range, 2);
    if (coarse.empty() || coarse.back().range != range) coarse.push_back({.range = range});
    coarse.back().n_rows += fine.n_rows;
    coarse.back().crc_xor ^= fine.crc_xor;
    coarse.back().crc_sum += fine.crc_sum;
  }
  ranges = std::move(coarse);
  width *= 2;
}

void RangeDigests::coarsen_to(std::size_t most) {
  while (ranges.size() > most) coarsen();
}

std::vector<std::int64_t> differing_ranges(const RangeDigests& before, const RangeDigests& now,
                                           const std::vector<std::int64_t>& touched) {
  std::map<std::int64_t, const RangeDigest*> old;
  for (const RangeDigest& digest : before.ranges) old[digest.range] = &digest;
  std::vector<std::int64_t> out = touched;
  for (const RangeDigest& digest : now.ranges) {
    const auto found = old.find(digest.range);
    if (found == old.end() || *found->second != digest) out.push_back(digest.range);
    if (found != old.end()) old.erase(found);
  }
  for (const auto& [range, digest] : old) out.push_back(range);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

RangeDigests parse_range_digests(std::string_view text, const std::string& file) {
  const json::Value root = json::parse(text, file);
  const json::Value* key = root.find("key");
  const json::Value* width = root.find("width");
  const json::Value* ranges = root.find("ranges");
  if (key == nullptr || key->as_string() == nullptr || width == nullptr || width->as_int() == nullptr || *width->as_int() < 1 ||
      ranges == nullptr || ranges->as_array() == nullptr) {
    refuse(file, "it lacks key, width or ranges");
  }
  RangeDigests out{*key->as_string(), *width->as_int(), {}};
  for (const json::Value& row : *ranges->as_array()) {
    const json::Array* values = row.as_array();
    if (values == nullptr || values->size() != 4 || (*values)[0].as_int() == nullptr || (*values)[1].as_int() == nullptr)
      refuse(file, "a range is not [number, rows, xor, sum]");
    out.ranges.push_back({*(*values)[0].as_int(), static_cast<std::uint64_t>(*(*values)[1].as_int()),
                          parse_unsigned((*values)[2], file), parse_unsigned((*values)[3], file)});
  }
  return out;
}

std::string format_range_digests(const RangeDigests& digests) {
  json::Array ranges;
  for (const RangeDigest& digest : digests.ranges) {
    ranges.emplace_back(json::Array{json::Value(digest.range), json::Value(static_cast<std::int64_t>(digest.n_rows)),
                                    json::Value(format_unsigned(digest.crc_xor)), json::Value(format_unsigned(digest.crc_sum))});
  }
  json::Value root;
  root.set("key", digests.key);
  root.set("width", digests.width);
  root.set("ranges", std::move(ranges));
  return json::format(root) + "\n";
}

}  // namespace lodestone::lake
