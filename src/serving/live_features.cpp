#include "serving/live_features.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "serving/event_replay.hpp"

namespace lodestone::serving {
namespace {

/// Events that are counted under one taking of the locks: about 30 us.
constexpr std::size_t kAtOnce = 32;

constexpr features::OnlineState::Options kOptions;

bool is_older(const fs::path& segment, TimePoint than) {
  // "20261124T093000Z-17.jsonl": when the segment was begun.
  const std::string name = segment.filename().string();
  return name.substr(0, name.find('-')) < format_compact(than);
}

}  // namespace

LiveFeatures::LiveFeatures(const features::OnlineSnapshot& snapshot, std::size_t n_readers)
    : readers_(n_readers), state_(snapshot, kOptions) {}

std::unique_lock<std::mutex> LiveFeatures::read(std::size_t reader, TimePoint now, engine::PageRequest& page) const {
  std::unique_lock lock(readers_[reader].mutex);
  page.online = &state_;
  page.now = now;
  return lock;
}

LiveFeatures::Arrived LiveFeatures::arrived(const PostedEvent& event) {
  return {{features::online_event_id(event.event_id), event.kind, event.user, event.item, event.at, event.value},
          event.received_at};
}

void LiveFeatures::count(std::span<const Arrived> events) {
  for (Lock& reader : readers_) reader.mutex.lock();
  for (const Arrived& one : events) (void)state_.add(one.event, one.at);
  for (Lock& reader : readers_) reader.mutex.unlock();
}

void LiveFeatures::add(std::span<const PostedEvent> events) {
  const std::lock_guard lock(write_mutex_);
  for (const PostedEvent& event : events) waiting_.push_back(arrived(event));
  if (is_behind_) return;
  for (std::span<const Arrived> rest = waiting_; !rest.empty(); rest = rest.subspan(std::min(rest.size(), kAtOnce)))
    count(rest.first(std::min(rest.size(), kAtOnce)));
  waiting_.clear();
}

void LiveFeatures::catch_up(const fs::path& folder, TimePoint from) {
  std::vector<fs::path> segments = folder.empty() ? std::vector<fs::path>() : list_segments(folder);
  // A segment before one that was begun too early has ended too early.
  const auto last_older =
      std::find_if(segments.rbegin(), segments.rend(), [&](const fs::path& path) { return is_older(path, from); });
  if (last_older != segments.rend()) segments.erase(segments.begin(), last_older.base() - 1);
  std::vector<Arrived> read;
  replay_segments(segments, [&](std::span<const PostedEvent> events) {
    read.clear();
    for (const PostedEvent& event : events) {
      if (event.received_at >= from) read.push_back(arrived(event));
    }
    count(read);
  });
  // Those that came meanwhile may have been read above, too; the state knows them by their ids.
  const std::lock_guard lock(write_mutex_);
  count(waiting_);
  waiting_.clear();
  is_behind_ = false;
}

void LiveFeatures::forget(TimePoint now) {
  const std::lock_guard lock(write_mutex_);
  if (is_behind_) return;
  // Nobody writes now, so the long look needs none of the readers' locks.
  const features::OnlineState::Stale stale = state_.find_stale(now);
  const auto forget_some = [&](std::span<const UserId> users, std::span<const ItemId> items) {
    for (Lock& reader : readers_) reader.mutex.lock();
    state_.forget(now, users, items);
    for (Lock& reader : readers_) reader.mutex.unlock();
  };
  for (std::span<const UserId> rest = stale.users; !rest.empty(); rest = rest.subspan(std::min(rest.size(), kAtOnce)))
    forget_some(rest.first(std::min(rest.size(), kAtOnce)), {});
  for (std::span<const ItemId> rest = stale.items; !rest.empty(); rest = rest.subspan(std::min(rest.size(), kAtOnce)))
    forget_some({}, rest.first(std::min(rest.size(), kAtOnce)));
}

std::shared_ptr<const LiveFeatures> LiveFeatureSet::open(const bundle::Bundle& bundle) {
  const auto& ranking = bundle.release().ranking;
  if (ranking == nullptr || ranking->rankers.empty()) return nullptr;
  if (ranking->online_users.empty() && ranking->online_items.empty()) return nullptr;
  const std::optional<features::OnlineSnapshot> snapshot = bundle.online_snapshot();
  if (!snapshot) return nullptr;
  auto state = std::make_shared<LiveFeatures>(*snapshot, n_readers_);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(states_, [](const auto& one) { return one.expired(); });
    states_.push_back(state);
  }
  state->catch_up(journal_, snapshot->as_of - kOptions.lateness);
  return state;
}

std::vector<std::shared_ptr<LiveFeatures>> LiveFeatureSet::states() {
  std::vector<std::shared_ptr<LiveFeatures>> out;
  const std::lock_guard lock(mutex_);
  for (const auto& one : states_) {
    if (auto state = one.lock()) out.push_back(std::move(state));
  }
  return out;
}

void LiveFeatureSet::add(std::span<const PostedEvent> events) {
  for (const auto& state : states()) state->add(events);
}

void LiveFeatureSet::forget(TimePoint now) {
  for (const auto& state : states()) state->forget(now);
}

}  // namespace lodestone::serving
