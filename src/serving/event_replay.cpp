#include "serving/event_replay.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {
namespace {

/// Events that change hands at once: enough to make the change cheap, few enough to stay in the processor's cache.
constexpr std::size_t kAtOnce = 1'024;
/// Of these, that are filled, full or being emptied.
constexpr std::size_t kPages = 4;

/// Pages of events between one thread that fills them and one that empties them. Pages go round, so that their texts keep their memory.
class Relay {
 public:
  struct Page {
    std::vector<PostedEvent> events = std::vector<PostedEvent>(kAtOnce);
    std::size_t n = 0;
  };

  /// The page to fill; nullptr when nobody empties any more.
  Page* begin_filling() {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [this] { return n_full_ < kPages || is_over_; });
    return is_over_ ? nullptr : &pages_[next_fill_];
  }
  void end_filling() {
    const std::lock_guard lock(mutex_);
    next_fill_ = (next_fill_ + 1) % kPages;
    ++n_full_;
    change_.notify_one();
  }
  /// The page to empty; nullptr when there will be none.
  Page* begin_emptying() {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [this] { return n_full_ > 0 || is_over_; });
    return n_full_ > 0 ? &pages_[next_empty_] : nullptr;
  }
  void end_emptying() {
    const std::lock_guard lock(mutex_);
    next_empty_ = (next_empty_ + 1) % kPages;
    --n_full_;
    change_.notify_one();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    change_.notify_one();
  }

 private:
  std::array<Page, kPages> pages_;
  std::size_t next_fill_ = 0;
  std::size_t next_empty_ = 0;
  std::size_t n_full_ = 0;
  bool is_over_ = false;
  std::mutex mutex_;
  std::condition_variable change_;
};

/// Fills pages with the events of segments.
class Reader {
 public:
  explicit Reader(Relay& relay) : relay_(relay) {}

  void read(std::span<const fs::path> segments) {
    for (const fs::path& path : segments) {
      try {
        const SegmentDamage damage = read_segment(path, [this](std::string_view line) { return add(line); });
        if (damage.is_torn) log_info("serving", "{}: its last line is torn and was not acknowledged; left out", path.string());
        if (damage.n_damaged > 0) log_error("serving", "{}: {} damaged lines are left out", path.string(), damage.n_damaged);
      } catch (const Error& error) {
        log_error("serving", "events of this segment are not known again: {}", error.message());
      }
    }
    if (page_ != nullptr && page_->n > 0) relay_.end_filling();
    relay_.end();
  }

 private:
  bool add(std::string_view line) {
    if (page_ == nullptr) {
      page_ = relay_.begin_filling();
      if (page_ == nullptr) return true;
      page_->n = 0;
    }
    if (!parse_line(line, page_->events[page_->n])) return false;
    if (++page_->n < kAtOnce) return true;
    relay_.end_filling();
    page_ = nullptr;
    return true;
  }

  Relay& relay_;
  Relay::Page* page_ = nullptr;
};

}  // namespace

void replay_segments(std::span<const fs::path> segments, const std::function<void(std::span<PostedEvent>)>& take) {
  if (segments.empty()) return;
  Relay relay;
  std::thread reader([&] { Reader(relay).read(segments); });
  try {
    while (Relay::Page* page = relay.begin_emptying()) {
      take(std::span(page->events).first(page->n));
      relay.end_emptying();
    }
  } catch (...) {
    relay.end();
    reader.join();
    throw;
  }
  reader.join();
}

}  // namespace lodestone::serving
