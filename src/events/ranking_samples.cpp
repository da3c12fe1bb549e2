#include "events/ranking_samples.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace lodestone::events {
namespace {

using table::Chunk;

/// Rows that come by request, put together.
void append(const Chunk& chunk, std::vector<RankingGroup>& groups) {
  for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
    const std::string_view request_id = chunk.text_at(0, r);
    const TimePoint at{std::chrono::microseconds(chunk.int_at(5, r))};
    if (groups.empty() || groups.back().request_id != request_id) {
      RankingGroup& group = groups.emplace_back();
      group.request_id = request_id;
      group.at = at;
    }
    RankingGroup& group = groups.back();
    // One that was signed in while the list grew is the account's from the first.
    if (!group.user && !chunk.is_null(1, r)) group.user = UserId(chunk.int_at(1, r));
    if (group.visitor_id.empty() && !chunk.is_null(2, r)) group.visitor_id = chunk.text_at(2, r);
    group.at = std::min(group.at, at);
    const Grade grade = chunk.bool_at(7, r) ? Grade::kOrder : chunk.bool_at(6, r) ? Grade::kClick : Grade::kNone;
    group.samples.push_back(
        {ItemId(chunk.int_at(3, r)), chunk.is_null(4, r) ? 0 : static_cast<std::int32_t>(chunk.int_at(4, r)), grade});
  }
}

bool is_earlier(const RankingGroup& a, const RankingGroup& b) { return a.at != b.at ? a.at < b.at : a.request_id < b.request_id; }

}  // namespace

std::vector<RankingGroup> read_ranking_groups(table::Engine& engine, const LabelWindow& window, const RankingOptions& options) {
  const table::SqlFile query = table::SqlFile::load(options.sql_folder, "labels/ranking");
  for (const table::UniqueKey& key : query.unique_keys()) table::check_unique(engine, key, query.origin());
  table::Parameters values = options.parameters;
  values["label_from"] = format_rfc3339(window.from);
  values["label_to"] = format_rfc3339(window.to);
  values["until"] = format_rfc3339(window.until);
  const std::vector<std::string> declared = query.parameters();
  const auto n_events = static_cast<std::uint64_t>(engine.query_int("SELECT count(*) FROM events").value_or(0));
  const bool is_sliced = std::find(declared.begin(), declared.end(), "slices") != declared.end();
  const std::uint64_t n_slices = is_sliced ? 1 + n_events / options.events_per_slice : 1;
  values["slices"] = std::to_string(n_slices);

  std::vector<RankingGroup> groups;
  for (std::uint64_t slice = 0; slice < n_slices; ++slice) {
    values["slice"] = std::to_string(slice);
    std::vector<RankingGroup> piece;
    engine.query(
        "SELECT s.request_id, s.user_id, s.visitor_id, s.item_id, CAST(s.position AS BIGINT), s.at, s.clicked, s.ordered FROM (" +
            query.render(values) + ") s ORDER BY s.request_id, s.position, s.item_id",
        [&](const Chunk& chunk) { append(chunk, piece); });
    if (options.without_action == WithoutAction::kDrop) {
      std::erase_if(piece, [](const RankingGroup& group) { return !group.has_action(); });
    }
    groups.insert(groups.end(), std::make_move_iterator(piece.begin()), std::make_move_iterator(piece.end()));
  }
  std::sort(groups.begin(), groups.end(), is_earlier);
  return groups;
}

std::vector<RankingGroup> sample_groups(std::vector<RankingGroup> groups, std::uint64_t max_rows, std::uint64_t seed) {
  std::vector<std::uint64_t> hashes;
  for (const RankingGroup& group : groups) hashes.push_back(xxh3(group.request_id, seed));
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return hashes[a] != hashes[b] ? hashes[a] < hashes[b] : groups[a].request_id < groups[b].request_id;
  });
  std::uint64_t n_rows = 0;
  std::size_t n_taken = 0;
  for (; n_taken < order.size(); ++n_taken) {
    n_rows += groups[order[n_taken]].samples.size();
    if (n_rows > max_rows) break;
  }
  order.resize(n_taken);
  std::sort(order.begin(), order.end());
  std::vector<RankingGroup> taken;
  taken.reserve(n_taken);
  for (const std::size_t g : order) taken.push_back(std::move(groups[g]));
  return taken;
}

TimeSplit split_by_time(std::span<const RankingGroup> groups, double share) {
  if (!(share >= 0 && share <= 1)) {
    fail(ErrorCode::kInvalidArgument, "the share of groups for validation is {}; give a number from 0 to 1", share);
  }
  const auto is_before = [](const RankingGroup& a, const RankingGroup& b) { return a.at < b.at; };
  const auto out_of_order = std::is_sorted_until(groups.begin(), groups.end(), is_before);
  if (out_of_order != groups.end()) {
    fail(ErrorCode::kInvalidArgument,
         "the groups to be split are not in order of time: {} of {} comes after a later one; sort them", out_of_order->request_id,
         format_rfc3339(out_of_order->at));
  }
  const auto n_validation = static_cast<std::size_t>(std::llround(share * static_cast<double>(groups.size())));
  if (n_validation == 0) return {groups, {}};
  const std::size_t wanted = groups.size() - n_validation;
  const auto first = std::lower_bound(groups.begin(), groups.end(), groups[wanted], is_before);
  const auto n_training = static_cast<std::size_t>(first - groups.begin());
  return {groups.first(n_training), groups.subspan(n_training)};
}

}  // namespace lodestone::events
