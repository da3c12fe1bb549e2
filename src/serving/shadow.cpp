#include "serving/shadow.hpp"

#include <algorithm>
#include <cmath>

#include "base/log.hpp"

namespace lodestone::serving {
namespace {

constexpr double kOverlapBounds[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1};
constexpr double kRankBounds[] = {0, 0.5, 1, 2, 3, 5, 7.5, 10, 20, 50};
/// Comparisons between two lines of the log.
constexpr std::uint64_t kLogEvery = 10'000;

/// Rank from 1; one behind the last for an item that is not there.
double rank_of(std::span<const ItemId> list, ItemId item) {
  return static_cast<double>(std::ranges::find(list, item) - list.begin()) + 1;
}

}  // namespace

ListDifference compare_lists(std::span<const ItemId> shown, std::span<const ItemId> other) {
  ListDifference out;
  if (shown.empty() && other.empty()) return out;
  std::size_t n_both = 0;
  double sum = 0;
  for (const ItemId item : shown) {
    n_both += static_cast<std::size_t>(std::ranges::count(other, item));
    sum += std::abs(rank_of(shown, item) - rank_of(other, item));
  }
  for (const ItemId item : other) {
    if (std::ranges::find(shown, item) == shown.end()) sum += std::abs(rank_of(shown, item) - rank_of(other, item));
  }
  out.overlap = static_cast<double>(n_both) / static_cast<double>(std::max(shown.size(), other.size()));
  out.rank_difference = sum / static_cast<double>(shown.size() + other.size() - n_both);
  out.same_first = !shown.empty() && !other.empty() && shown.front() == other.front();
  return out;
}

Shadow::Shadow(const ReleaseHolder& releases, metrics::Registry& registry)
    : releases_(&releases), slots_(&registry.register_thread()) {
  const auto counter = [&](const char* result) {
    return registry.counter("shadow_requests_total", "Lists offered to the bundle in the shadow.", {{"result", result}});
  };
  compared_ = counter("compared");
  dropped_ = counter("dropped");
  overlap_ = registry.histogram(
      "shadow_overlap_ratio", "Items that the list shown and the shadow's have in common / items of the longer.", kOverlapBounds);
  rank_difference_ = registry.histogram(
      "shadow_distance_ranks", "Mean difference of rank between the list shown and the shadow's, over the items of either.",
      kRankBounds);
}

Shadow::~Shadow() { stop(); }

void Shadow::fill(Task& task, const engine::PageRequest& request, const models::Release& shown_by, const engine::Page& page) {
  const auto id = [&](ItemIndex item) { return shown_by.catalog.id(item); };
  task.request = request;
  task.item = request.item ? std::optional(id(*request.item)) : std::nullopt;
  task.recent.clear();
  for (const ItemIndex item : request.recent) task.recent.push_back(id(item));
  task.exclude.assign(request.exclude.begin(), request.exclude.end());
  for (const ItemIndex item : request.owned) task.exclude.push_back(id(item));
  task.request.owned = {};
  task.request.external = {};  // they lie in the memory of the request's thread
  task.request.external_names = {};
  task.request.online = nullptr;           // not ours to read on this thread
  task.request.deadline = {};              // nobody waits for the trial's list
  task.request.ranking_breaker = nullptr;  // the other release's
  task.request.trending = nullptr;         // lists of another release's numbers; the trial answers with its own
  task.tokens.assign(request.query_tokens.begin(), request.query_tokens.end());
  task.filter = request.filter == nullptr ? std::nullopt : std::optional(*request.filter);
  task.shown.clear();
  for (const engine::PageItem& item : page.items) task.shown.push_back(id(item.item));
}

void Shadow::offer(const engine::PageRequest& request, const models::Release& shown_by, const engine::Page& page) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || n_ == kQueue) {
    n_dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  fill(queue_[(first_ + n_++) % kQueue], request, shown_by, page);
  wake_.notify_one();
}

void Shadow::start() {
  thread_ = std::thread([this] { run(); });
}

void Shadow::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Shadow::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return is_stopping_ || n_ > 0; });
      if (is_stopping_) return;
      std::swap(task_, queue_[first_]);
      first_ = (first_ + 1) % kQueue;
      --n_;
    }
    const auto lineup = releases_->lineup();
    if (!lineup || !lineup->trial || lineup->terms.mode != bundle::TrialMode::kShadow) continue;
    try {
      compare(task_, *lineup);
    } catch (const std::exception& error) {  // a bundle on trial may be no good, and that is what this is to find out
      log_error("shadow", "{} cannot answer: {}", lineup->terms.id, error.what());
    }
  }
}

void Shadow::compare(Task& task, const Lineup& lineup) {
  const models::Release& release = lineup.trial->release();
  engine::PageRequest request = task.request;
  request.weights = nullptr;  // those of an experiment were learned for another release
  request.with_rows = false;
  request.rules = lineup.trial_rules.get();
  request.exploration = 0;  // what it draws is no difference
  request.item.reset();
  if (task.item) request.item = release.catalog.find(*task.item);
  other_.clear();
  if (!task.item || request.item) {  // a page about an item that the trial lacks has nothing to show
    recent_.clear();
    for (const ItemId id : task.recent) {
      if (const auto item = release.catalog.find(id)) recent_.push_back(*item);
    }
    request.recent = recent_;
    request.exclude = task.exclude;
    request.query_tokens = task.tokens;
    request.filter = task.filter ? &*task.filter : nullptr;
    engine::recommend(release, request, scratch_, page_);
    for (const engine::PageItem& item : page_.items) other_.push_back(release.catalog.id(item.item));
  }
  count(task, lineup, compare_lists(task.shown, other_));
}

void Shadow::count(const Task& task, const Lineup& lineup, const ListDifference& difference) {
  const std::uint64_t n_dropped = n_dropped_.exchange(0, std::memory_order_relaxed);
  slots_->add(compared_);
  slots_->add(dropped_, n_dropped);
  slots_->observe(overlap_, difference.overlap);
  slots_->observe(rank_difference_, difference.rank_difference);
  log(LogLevel::kDebug, "shadow", "{}: page kind {}, item {}, user {}: overlap {:.2f}, rank difference {:.2f}", lineup.terms.id,
      static_cast<int>(task.request.kind), task.item ? raw(*task.item) : 0, task.request.user ? raw(*task.request.user) : 0,
      difference.overlap, difference.rank_difference);
  const std::lock_guard lock(summary_mutex_);
  if (trial_id_ != lineup.terms.id) {
    trial_id_ = lineup.terms.id;
    sums_ = {};
  }
  ++sums_.n_compared;
  sums_.n_dropped += n_dropped;
  sums_.overlap += difference.overlap;
  sums_.rank_difference += difference.rank_difference;
  sums_.same_first += difference.same_first ? 1 : 0;
  if (sums_.n_compared % kLogEvery != 1) return;
  const auto n = static_cast<double>(sums_.n_compared);
  log_info(
      "shadow",
      "{} against {}: {} lists compared, {} dropped, mean overlap {:.3f}, mean rank difference {:.2f}, same first item {:.3f}",
      lineup.terms.id, lineup.current->release().id, sums_.n_compared, sums_.n_dropped, sums_.overlap / n,
      sums_.rank_difference / n, sums_.same_first / n);
}

ShadowSummary Shadow::summary() const {
  const std::lock_guard lock(summary_mutex_);
  ShadowSummary out = sums_;
  const double n = std::max(1.0, static_cast<double>(out.n_compared));
  out.overlap /= n;
  out.rank_difference /= n;
  out.same_first /= n;
  return out;
}

}  // namespace lodestone::serving
