#include "serving/event_journal.hpp"

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "serving/event_replay.hpp"

namespace lodestone::serving {
namespace {

constexpr double kFlushBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1};
/// What is learned from events shows after this long at the latest.
constexpr std::chrono::milliseconds kTick{250};
/// Seeds by which a user and a visitor of the same text are two senders.
constexpr std::uint64_t kVisitorSeed = 1;

std::uint64_t id_of(const PostedEvent& event) { return features::online_event_id(event.event_id); }

}  // namespace

EventJournal::EventJournal(Options options, std::vector<EventSink*> sinks, metrics::Registry& registry, const Clock& clock)
    : options_(std::move(options)),
      sinks_(std::move(sinks)),
      clock_(&clock),
      segments_(options_.segments, clock),
      known_(options_.known_ids),
      rate_(options_.events_per_second),
      flush_seconds_(registry.histogram("event_journal_flush_seconds",
                                        "Time in which a group of posted events was written and flushed to the disk.",
                                        kFlushBounds)),
      failures_(registry.counter("event_journal_failures_total", "Groups of posted events that could not be written.")),
      removed_(registry.counter("event_journal_removed_segments_total", "Segments removed because the journal was full.")),
      bytes_(registry.gauge("event_journal_bytes", "Size of the journal of posted events.")) {
  slots_ = &registry.register_thread();
  bytes_.set(static_cast<double>(segments_.bytes()));
}

EventJournal::~EventJournal() { stop(); }

void EventJournal::start() {
  {
    const std::lock_guard lock(mutex_);
    is_running_ = true;
  }
  thread_ = std::thread([this] { run(); });
}

void EventJournal::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EventJournal::wait_until_read() const { is_read_.wait(false, std::memory_order_acquire); }

void EventJournal::submit(std::shared_ptr<EventBatch> batch) {
  {
    const std::lock_guard lock(mutex_);
    if (batch->is_foreign && is_running_ && !is_stopping_) {
      foreign_.push_back(std::move(batch));
      wake_.notify_one();
      return;
    }
    if (is_running_ && !is_stopping_ && waiting_bytes_ + batch->lines.size() <= options_.waiting_bytes) {
      waiting_bytes_ += batch->lines.size();
      waiting_.push_back(std::move(batch));
      wake_.notify_one();
      return;
    }
    batch->failure =
        is_running_ && !is_stopping_ ? "more events wait for the disk than this server keeps waiting" : "the server is stopping";
  }
  batch->done();
}

void EventJournal::run() {
  replay();
  tick();
  is_read_.store(true, std::memory_order_release);
  is_read_.notify_all();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_until(lock, next_tick_, [this] { return is_stopping_ || !waiting_.empty() || !foreign_.empty(); });
    if (waiting_.empty() && is_stopping_) return;  // foreign events are kept by those who stored them
    const Group group = std::exchange(waiting_, {});
    std::shared_ptr<EventBatch> foreign;
    if (!foreign_.empty()) {
      foreign = std::move(foreign_.front());
      foreign_.pop_front();
    }
    lock.unlock();
    if (!group.empty()) commit(group);
    tick();
    lock.lock();
    for (const auto& batch : group) waiting_bytes_ -= batch->lines.size();
    lock.unlock();
    for (const auto& batch : group) batch->done();
    if (foreign != nullptr) {
      take_foreign(*foreign);
      foreign->done();
    }
    lock.lock();
  }
}

void EventJournal::tick() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_tick_) return;
  for (EventSink* sink : sinks_) sink->tick();
  next_tick_ = now + kTick;
}

void EventJournal::replay() {
  std::uint64_t n_events = 0;
  // Ids that are older are not remembered, and what the sinks remember is bounded, too: a long journal is no reason to be late.
  const std::vector<fs::path> segments =
      newest_segments(options_.segments.folder, std::max(options_.known_ids, options_.replayed));
  replay_segments(segments, [&](std::span<PostedEvent> events) {
    known_.turn();
    std::size_t n_new = 0;
    for (PostedEvent& event : events) {
      // A group whose flush failed may stand here, and again where it was sent again.
      if (!known_.insert(id_of(event))) continue;
      if (&events[n_new] != &event) std::swap(events[n_new], event);
      ++n_new;
    }
    n_events += n_new;
    for (EventSink* sink : sinks_) {
      if (sink->wants_replay()) sink->add(events.first(n_new));
    }
  });
  if (n_events > 0) log_info("serving", "event journal: {} events read again", n_events);
}

/// Decides on each event of a batch, and takes the lines of those that are to be written.
void EventJournal::sort_out(EventBatch& batch, std::vector<std::uint64_t>& ids) {
  const TimePoint now = clock_->now();
  batch.outcomes.resize(batch.events.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const PostedEvent& event = batch.events[i];
    const std::uint64_t id = id_of(event);
    const std::string_view line = std::string_view(batch.lines).substr(begin, batch.line_ends[i] - begin);
    begin = batch.line_ends[i];
    if (!known_.insert(id)) {
      batch.outcomes[i] = EventOutcome::kDuplicate;
      continue;
    }
    const bool is_anonymous = !event.user && event.visitor_id.empty();
    const std::uint64_t sender = event.user ? xxh3(std::to_string(raw(*event.user))) : xxh3(event.visitor_id, kVisitorSeed);
    if (!is_anonymous && !rate_.take(sender, now)) {
      known_.erase(id);
      batch.outcomes[i] = EventOutcome::kTooMany;
      continue;
    }
    batch.outcomes[i] = EventOutcome::kAccepted;
    ids.push_back(id);
    lines_ += line;
  }
}

void EventJournal::commit(const Group& group) {
  std::vector<std::uint64_t> ids;
  lines_.clear();
  known_.turn();
  for (const auto& batch : group) sort_out(*batch, ids);
  if (ids.empty()) return;
  try {
    flush();
  } catch (const Error& error) {
    log_error("serving", "posted events are not taken: {}", error.message());
    slots_->add(failures_);
    // A duplicate in this group may be one of an event of this group, so all are told to come again.
    for (const std::uint64_t id : ids) known_.erase(id);
    for (const auto& batch : group) batch->failure = "the events could not be written to the disk; none of them counts";
    return;
  }
  if (options_.on_stored) options_.on_stored(lines_);
  feed(group);
}

void EventJournal::flush() {
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t removed = segments_.n_removed();
  segments_.append(lines_);
  slots_->observe(flush_seconds_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  slots_->add(removed_, segments_.n_removed() - removed);
  bytes_.set(static_cast<double>(segments_.bytes()));
}

void EventJournal::feed(const Group& group) {
  if (sinks_.empty()) return;
  stored_.clear();
  for (const auto& batch : group) {
    for (std::size_t i = 0; i < batch->events.size(); ++i) {
      if (batch->outcomes[i] == EventOutcome::kAccepted) stored_.push_back(std::move(batch->events[i]));
    }
  }
  for (EventSink* sink : sinks_) sink->add(stored_);
}

/// Apart from the own ones, so that a disk that fails costs none of them.
void EventJournal::take_foreign(const EventBatch& batch) {
  known_.turn();
  stored_.clear();
  PostedEvent event;
  for (std::string_view rest = batch.lines; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (parse_line(rest.substr(0, end), event) && known_.insert(id_of(event))) stored_.push_back(event);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (stored_.empty()) return;
  for (EventSink* sink : sinks_) sink->add(stored_);
}

}  // namespace lodestone::serving
