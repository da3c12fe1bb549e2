// Packs a small release and prints, as JSON, what its arrays hold: safetensors_test.py opens the same files with the library of the
// format's authors.
#include <fmt/core.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/json.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone {
namespace {

template <typename T>
json::Value array_of(const std::vector<T>& values) {
  json::Array out;
  for (const T value : values) {
    if constexpr (std::is_floating_point_v<T>) {
      out.emplace_back(static_cast<double>(value));
    } else {
      out.emplace_back(static_cast<std::int64_t>(value));
    }
  }
  return json::Value(std::move(out));
}

json::Value lists_of(const models::OwnedNeighbours& lists) {
  json::Value out;
  out.set("offsets", array_of(lists.offsets));
  out.set("items", array_of(lists.items));
  out.set("scores", array_of(lists.scores));
  return out;
}

void write_bundle(const fs::path& folder) {
  const models::ReleaseData data = test::sample_release();
  const std::string id = bundle::pack(data, test::sample_info(), folder);
  json::Array ids;
  json::Array titles;
  json::Array prices;
  for (const models::Item& item : data.items) {
    ids.emplace_back(raw(item.id));
    titles.emplace_back(item.title);
    prices.emplace_back(item.price);  // NaN becomes null
  }
  json::Value out;
  out.set("folder", json::Value((folder / id).string()));
  out.set("item_id", json::Value(std::move(ids)));
  out.set("title", json::Value(std::move(titles)));
  out.set("price", json::Value(std::move(prices)));
  out.set("behavior", lists_of(data.behavior));
  out.set("content", lists_of(data.content));
  out.set("popular", lists_of(data.popular));
  fmt::print("{}\n", json::format(out));
}

}  // namespace
}  // namespace lodestone

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: write_sample_bundle FOLDER\n");
    return 2;
  }
  try {
    lodestone::write_bundle(argv[1]);
    return 0;
  } catch (const lodestone::Error& error) {
    fmt::print(stderr, "write_sample_bundle: {}\n", error.message());
    return 1;
  }
}
