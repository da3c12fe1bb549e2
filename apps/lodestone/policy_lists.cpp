#include "policy_lists.hpp"

#include <absl/container/flat_hash_map.h>

#include <chrono>
#include <utility>

namespace lodestone::app {
namespace {

enum Column : std::size_t { kFile, kOffset, kPosition, kItem, kUser, kPage, kPropensity, kClicked, kAt, kVisitor, kEndpoint };

engine::PageKind kind_of(std::string_view endpoint) {
  if (endpoint == "similar") return engine::PageKind::kSimilar;
  return endpoint == "recommend_detail" ? engine::PageKind::kDetail : engine::PageKind::kUser;
}

}  // namespace

std::vector<ShownList> read_shown_lists(table::Engine& engine, const fs::path& sql_folder, const table::Parameters& parameters) {
  std::vector<ShownList> out;
  absl::flat_hash_map<std::string, std::size_t> visitors;
  std::string last_file;
  std::int64_t last_offset = -1;
  const table::SqlFile query = table::SqlFile::load(sql_folder, "reports/policy_places");
  engine.query(query.render(parameters), [&](const table::Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
      std::string file = chunk.format_at(kFile, r);
      const std::int64_t offset = chunk.int_at(kOffset, r);
      if (file != last_file || offset != last_offset) {
        ShownList& list = out.emplace_back();
        list.kind = kind_of(chunk.format_at(kEndpoint, r));
        list.at = TimePoint(std::chrono::microseconds(chunk.int_at(kAt, r)));
        list.visitor = visitors.try_emplace(chunk.format_at(kVisitor, r), visitors.size()).first->second;
        if (!chunk.is_null(kUser, r)) list.user = chunk.int_at(kUser, r);
        if (!chunk.is_null(kPage, r)) list.page = chunk.int_at(kPage, r);
      }
      last_file = std::move(file);
      last_offset = offset;
      out.back().places.push_back({chunk.int_at(kItem, r), chunk.double_at(kPropensity, r), chunk.int_at(kClicked, r) != 0});
    }
  });
  return out;
}

std::size_t drop_lists_before(TimePoint at, std::vector<ShownList>& lists) {
  return std::erase_if(lists, [at](const ShownList& list) { return list.at < at; });
}

engine::PageRequest request_again(const ShownList& list, std::optional<ItemIndex> page) {
  engine::PageRequest request;
  request.kind = list.kind;
  request.item = page;
  if (list.user) request.user = UserId(*list.user);
  request.limit = list.places.size();
  request.now = list.at;
  features::set_time(list.at.time_since_epoch().count(), request.values);
  return request;
}

}  // namespace lodestone::app
