#pragma once
// Metrics: families of counters, gauges and histograms with labels, and their Prometheus text. Each writing thread has slots of its
// own (idea: userver's per-thread counters; measured 75 to 130 times cheaper under contention than shared ones), so counting is a
// plain add to memory that no other thread writes. A scrape adds the threads up.

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::metrics {

struct Label {
  std::string name;
  std::string value;
  friend bool operator==(const Label&, const Label&) = default;
};
using Labels = std::vector<Label>;

/// Handle of one counter series; resolved once, then an index. Only ever rises.
struct Counter {
  std::uint32_t slot = 0;
};

/// Handle of one histogram series. `bounds` are the upper edges of the buckets, inclusive, ascending, without +Inf; the registry owns
/// them. Slots: one for each bucket, one for what lies above, one for the sum.
struct Histogram {
  std::uint32_t slot = 0;
  std::span<const double> bounds;
};

/// A value that is set, not counted. For rare writers (a shared atomic); safe from any thread.
class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(std::atomic<double>& cell) : cell_(&cell) {}
  void set(double value) const { cell_->store(value, std::memory_order_relaxed); }
  [[nodiscard]] double get() const { return cell_->load(std::memory_order_relaxed); }

 private:
  std::atomic<double>* cell_ = nullptr;
};

/// The slots of one thread. add() and observe() belong to that thread alone; reads may come from any.
class ThreadSlots {
 public:
  ThreadSlots() = default;
  ~ThreadSlots();
  ThreadSlots(const ThreadSlots&) = delete;
  ThreadSlots& operator=(const ThreadSlots&) = delete;

  void add(Counter counter, std::uint64_t n = 1) { add_to(counter.slot, n); }

  /// Counts `value` in the first bucket whose edge is not below it, and adds it to the sum.
  void observe(const Histogram& histogram, double value) {
    std::uint32_t bucket = 0;
    const auto n = static_cast<std::uint32_t>(histogram.bounds.size());
    while (bucket < n && value > histogram.bounds[bucket]) ++bucket;
    add_to(histogram.slot + bucket, 1);
    std::atomic<std::uint64_t>& sum = own(histogram.slot + n + 1);
    const double total = std::bit_cast<double>(sum.load(std::memory_order_relaxed)) + value;
    sum.store(std::bit_cast<std::uint64_t>(total), std::memory_order_relaxed);
  }

  /// 0 for a slot that this thread never wrote.
  [[nodiscard]] std::uint64_t read(std::uint32_t slot) const;

 private:
  friend class Registry;
  static constexpr std::uint32_t kChunk = 512;
  static constexpr std::uint32_t kMaxChunks = 256;
  struct alignas(64) Chunk {
    std::array<std::atomic<std::uint64_t>, kChunk> slots{};
  };

  std::atomic<std::uint64_t>& own(std::uint32_t slot) {
    Chunk* chunk = chunks_[slot / kChunk].load(std::memory_order_relaxed);
    if (chunk == nullptr) [[unlikely]]
      chunk = make_chunk(slot / kChunk);
    return chunk->slots[slot % kChunk];
  }
  void add_to(std::uint32_t slot, std::uint64_t n) {
    std::atomic<std::uint64_t>& cell = own(slot);
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  Chunk* make_chunk(std::uint32_t number);

  std::array<std::atomic<Chunk*>, kMaxChunks> chunks_{};
};

/// All metrics of a process. Registering, scraping and setting gauges are safe from any thread; handles stay valid while it lives.
class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// The series of that name and labels, made at the first call. A name that is no Prometheus name, or that was registered as another
  /// kind or with other label names, is a bug.
  Counter counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram histogram(std::string_view name, std::string_view help, std::span<const double> bounds, Labels labels = {});
  /// A family of gauges that has no series yet, so that it is known before there is anything to tell.
  void declare_gauge(std::string_view name, std::string_view help);
  /// The same of counters.
  void declare_counter(std::string_view name, std::string_view help);
  /// A counter whose value is read from somewhere else (the kernel) and set before each scrape.
  Gauge sampled_counter(std::string_view name, std::string_view help, Labels labels = {});
  /// A gauge of value 1 whose labels say something; new labels replace the former ones.
  void set_info(std::string_view name, std::string_view help, Labels labels);

  /// Called before each scrape, to set gauges that are computed.
  void on_scrape(std::function<void()> update);

  /// Slots for one thread to write, with memory for what is registered so far. They stay with the registry, so a thread that ends loses
  /// no count.
  ThreadSlots& register_thread();

  /// Sum over the threads.
  [[nodiscard]] std::uint64_t value(Counter counter) const;

  /// Everything in the Prometheus text format, version 0.0.4, families and series sorted.
  [[nodiscard]] std::string expose() const;

 private:
  enum class Kind { kCounter, kGauge, kHistogram };
  enum class Store { kSlots, kCell };
  struct Series {
    Labels labels;
    std::uint32_t slot = 0;
    std::atomic<double>* cell = nullptr;
  };
  struct Family {
    std::string name;
    std::string help;
    Kind kind = Kind::kCounter;
    Store store = Store::kSlots;
    std::vector<double> bounds;
    std::deque<Series> series;
  };

  Family& family(std::string_view name, std::string_view help, Kind kind, Store store, std::span<const double> bounds);
  Series& series(Family& family, Labels labels);
  std::uint32_t take_slots(std::uint32_t n);
  [[nodiscard]] std::uint64_t sum(std::uint32_t slot) const;
  [[nodiscard]] double sum_double(std::uint32_t slot) const;
  void expose_family(const Family& family, std::string& out) const;
  void expose_histogram(const Family& family, const Series& one, std::string& out) const;

  mutable std::mutex mutex_;
  std::deque<Family> families_;
  std::deque<std::atomic<double>> cells_;
  std::deque<std::unique_ptr<ThreadSlots>> threads_;
  std::deque<std::function<void()>> updates_;
  std::uint32_t next_slot_ = 0;
};

}  // namespace lodestone::metrics
