#include "serving/live_trending.hpp"

#include <algorithm>
#include <string>

#include "base/hash.hpp"
#include "engine/scratch.hpp"

namespace lodestone::serving {
namespace {

/// Minutes of each window.
constexpr std::array<std::int64_t, models::kTrendingWindows> kWidths = {60, 24 * 60, 7 * 24 * 60};
constexpr std::size_t kLongest = models::kTrendingWindows - 1;
/// What stays of the release's longest window at least.
constexpr double kLeastShare = 0.01;

std::int64_t minute_of(TimePoint at) { return std::chrono::floor<std::chrono::minutes>(at).time_since_epoch().count(); }

std::uint64_t pair_of(const PostedEvent& event) {
  const std::uint64_t person = event.user ? xxh3(std::to_string(raw(*event.user)), 1) : xxh3(event.visitor_id, 2);
  return xxh3(std::to_string(raw(event.item)), person);
}

}  // namespace

LiveTrending::LiveTrending(std::size_t capacity, const Clock& clock)
    : capacity_(capacity), clock_(&clock), lists_(std::make_shared<const HotLists>()) {
  slide(minute_of(clock.now()));
}

void LiveTrending::add(std::span<const PostedEvent> events) {
  slide(minute_of(clock_->now()));
  for (const PostedEvent& event : events) count(event);
}

void LiveTrending::tick() {
  slide(minute_of(clock_->now()));
  if (is_changed_) publish();
}

LiveTrending::Minute& LiveTrending::minute_at(std::int64_t minute) {
  if (minutes_.empty() || minutes_.back().minute < minute) return minutes_.emplace_back(Minute{minute, {}});
  const auto found = std::ranges::lower_bound(minutes_, minute, {}, &Minute::minute);
  if (found->minute == minute) return *found;
  return *minutes_.insert(found, Minute{minute, {}});
}

void LiveTrending::count(const PostedEvent& event) {
  if (!features::is_action(event.kind) || (!event.user && event.visitor_id.empty())) return;
  const std::int64_t minute = minute_of(event.at);
  if (minute < first_minutes_[kLongest]) return;
  const std::uint64_t id = pair_of(event);
  const auto [found, is_new] = pairs_.try_emplace(id, Pair{event.item, minute});
  const std::int64_t before = is_new ? first_minutes_[kLongest] - 1 : found->second.minute;
  if (!is_new && before >= minute) return;
  found->second.minute = minute;
  for (std::size_t w = 0; w < models::kTrendingWindows; ++w) {
    if (minute >= first_minutes_[w] && before < first_minutes_[w]) ++counts_[w][event.item];
  }
  minute_at(minute).pairs.push_back(id);
  is_changed_ = true;
  while (pairs_.size() > capacity_ && minutes_.size() > 1) {
    const std::int64_t first = minutes_.front().minute + 1;
    for (std::size_t w = 0; w < models::kTrendingWindows; ++w) begin_window(w, first);
    drop_minutes();
  }
}

/// Lets each window begin where it does at minute `now`.
void LiveTrending::slide(std::int64_t now) {
  for (std::size_t w = 0; w < models::kTrendingWindows; ++w) begin_window(w, now - kWidths[w] + 1);
  drop_minutes();
}

void LiveTrending::begin_window(std::size_t window, std::int64_t first) {
  if (first <= first_minutes_[window]) return;
  const auto begin = std::ranges::lower_bound(minutes_, first_minutes_[window], {}, &Minute::minute);
  for (auto it = begin; it != minutes_.end() && it->minute < first; ++it) leave(window, *it);
  first_minutes_[window] = first;
  is_changed_ = true;  // what a release has fades by the minute, too
}

void LiveTrending::drop_minutes() {
  while (!minutes_.empty() && minutes_.front().minute < first_minutes_[kLongest]) {
    for (const std::uint64_t id : minutes_.front().pairs) {
      const auto found = pairs_.find(id);
      if (found != pairs_.end() && found->second.minute < first_minutes_[kLongest]) pairs_.erase(found);
    }
    minutes_.pop_front();
  }
}

void LiveTrending::leave(std::size_t window, const Minute& minute) {
  for (const std::uint64_t id : minute.pairs) {
    const auto pair = pairs_.find(id);
    if (pair == pairs_.end() || pair->second.minute != minute.minute) continue;
    const auto count = counts_[window].find(pair->second.item);
    if (--count->second == 0) counts_[window].erase(count);
  }
}

void LiveTrending::publish() {
  auto lists = std::make_shared<HotLists>();
  for (std::size_t w = 0; w < models::kTrendingWindows; ++w) {
    std::vector<HotItem>& list = (*lists)[w];
    for (const auto& [item, people] : counts_[w]) list.push_back({item, static_cast<float>(people)});
    const std::size_t n = std::min(list.size(), engine::kListDepth);
    std::partial_sort(
        list.begin(), list.begin() + static_cast<std::ptrdiff_t>(n), list.end(),
        [](const HotItem& a, const HotItem& b) { return a.people != b.people ? a.people > b.people : a.item > b.item; });
    list.resize(n);
  }
  {
    const std::lock_guard lock(mutex_);
    lists_ = std::move(lists);
  }
  generation_.fetch_add(1, std::memory_order_release);
  is_changed_ = false;
}

std::shared_ptr<const HotLists> LiveTrending::lists() const {
  const std::lock_guard lock(mutex_);
  return lists_;
}

const models::RankedLists* TrendingReader::read(const LiveTrending* trending, const models::Release& release, TimePoint created,
                                                TimePoint now) {
  if (trending == nullptr) return nullptr;
  const std::uint64_t generation = trending->generation();
  if (generation == 0) return nullptr;
  if (generation != generation_ || release.id != release_) {
    merge(*trending->lists(), release, created, now);
    generation_ = generation;
    release_ = release.id;
  }
  return &lists_;
}

void TrendingReader::merge(const HotLists& live, const models::Release& release, TimePoint created, TimePoint now) {
  const double age = std::max(0.0, std::chrono::duration<double, std::ratio<60>>(now - created).count());
  offsets_.assign(1, 0);
  items_.clear();
  scores_.clear();
  std::vector<models::ScoredItem> row;
  for (std::size_t w = 0; w < models::kTrendingWindows; ++w) {
    row.clear();
    absl::flat_hash_map<ItemIndex, std::size_t> places;
    for (const HotItem& hot : live[w]) {
      const auto item = release.catalog.find(hot.item);
      if (!item) continue;
      places.emplace(*item, row.size());
      row.push_back({*item, hot.people});
    }
    const double share = std::max(1 - age / static_cast<double>(kWidths[w]), w == kLongest ? kLeastShare : 0.0);
    const models::NeighbourRow known = release.trending.row(w);
    for (std::size_t k = 0; k < known.items.size() && share > 0; ++k) {
      const float people = static_cast<float>(share) * known.scores[k];
      const auto [found, is_new] = places.try_emplace(known.items[k], row.size());
      if (is_new) {
        row.push_back({known.items[k], people});
      } else {
        // A posted event that the release has learned of stands in both, so they are not added up.
        row[found->second].score = std::max(row[found->second].score, people);
      }
    }
    std::ranges::stable_sort(row, [](const models::ScoredItem& a, const models::ScoredItem& b) { return a.score > b.score; });
    for (const models::ScoredItem& one : row) {
      items_.push_back(one.item);
      scores_.push_back(one.score);
    }
    offsets_.push_back(items_.size());
  }
  lists_ = {offsets_, items_, scores_};
}

}  // namespace lodestone::serving
