#include "metrics/registry.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "metrics/text.hpp"

namespace lodestone::metrics {

namespace {

bool same_names(const Labels& a, const Labels& b) {
  return std::ranges::equal(a, b, [](const Label& x, const Label& y) { return x.name == y.name; });
}

}  // namespace

ThreadSlots::~ThreadSlots() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

ThreadSlots::Chunk* ThreadSlots::make_chunk(std::uint32_t number) {
  LODESTONE_ASSERT(number < kMaxChunks, "slot chunk {} of {}", number, kMaxChunks);
  auto* chunk = new Chunk;
  chunks_[number].store(chunk, std::memory_order_release);  // release: a scrape must see the zeros
  return chunk;
}

std::uint64_t ThreadSlots::read(std::uint32_t slot) const {
  const Chunk* chunk = chunks_[slot / kChunk].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : chunk->slots[slot % kChunk].load(std::memory_order_relaxed);
}

Registry::Family& Registry::family(std::string_view name, std::string_view help, Kind kind, Store store,
                                   std::span<const double> bounds) {
  const auto found = std::ranges::find(families_, name, &Family::name);
  if (found != families_.end()) {
    LODESTONE_ASSERT(found->kind == kind && found->store == store, "metric {} is registered as two kinds", name);
    LODESTONE_ASSERT(std::ranges::equal(found->bounds, bounds), "metric {} has two sets of buckets", name);
    return *found;
  }
  LODESTONE_ASSERT(is_metric_name(name), "{} is no metric name", name);
  LODESTONE_ASSERT(std::ranges::adjacent_find(bounds, std::ranges::greater_equal{}) == bounds.end(), "buckets of {} do not rise",
                   name);
  families_.push_back({std::string(name), std::string(help), kind, store, {bounds.begin(), bounds.end()}, {}});
  return families_.back();
}

Registry::Series& Registry::series(Family& family, Labels labels) {
  for (const Label& label : labels) {
    LODESTONE_ASSERT(is_label_name(label.name), "{} is no label name of metric {}", label.name, family.name);
  }
  for (Series& one : family.series) {
    if (one.labels == labels) return one;
    LODESTONE_ASSERT(same_names(one.labels, labels), "metric {} has two sets of label names", family.name);
  }
  family.series.push_back({std::move(labels), 0, nullptr});
  Series& added = family.series.back();
  if (family.store == Store::kCell) {
    added.cell = &cells_.emplace_back(0.0);
  } else if (family.kind == Kind::kHistogram) {
    added.slot = take_slots(static_cast<std::uint32_t>(family.bounds.size()) + 2);
  } else {
    added.slot = take_slots(1);
  }
  return added;
}

std::uint32_t Registry::take_slots(std::uint32_t n) {
  const std::uint32_t first = next_slot_;
  next_slot_ += n;
  LODESTONE_ASSERT(next_slot_ <= ThreadSlots::kChunk * ThreadSlots::kMaxChunks, "{} metric slots are too many", next_slot_);
  return first;
}

Counter Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return {series(family(name, help, Kind::kCounter, Store::kSlots, {}), std::move(labels)).slot};
}

Gauge Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return Gauge(*series(family(name, help, Kind::kGauge, Store::kCell, {}), std::move(labels)).cell);
}

void Registry::declare_gauge(std::string_view name, std::string_view help) {
  const std::lock_guard lock(mutex_);
  (void)family(name, help, Kind::kGauge, Store::kCell, {});
}

void Registry::declare_counter(std::string_view name, std::string_view help) {
  const std::lock_guard lock(mutex_);
  (void)family(name, help, Kind::kCounter, Store::kSlots, {});
}

Gauge Registry::sampled_counter(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return Gauge(*series(family(name, help, Kind::kCounter, Store::kCell, {}), std::move(labels)).cell);
}

Histogram Registry::histogram(std::string_view name, std::string_view help, std::span<const double> bounds, Labels labels) {
  const std::lock_guard lock(mutex_);
  Family& of = family(name, help, Kind::kHistogram, Store::kSlots, bounds);
  return {series(of, std::move(labels)).slot, of.bounds};
}

void Registry::set_info(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  Family& of = family(name, help, Kind::kGauge, Store::kCell, {});
  if (of.series.empty()) {
    series(of, std::move(labels)).cell->store(1.0, std::memory_order_relaxed);
    return;
  }
  LODESTONE_ASSERT(same_names(of.series.front().labels, labels), "metric {} has two sets of label names", name);
  of.series.front().labels = std::move(labels);
}

void Registry::on_scrape(std::function<void()> update) {
  const std::lock_guard lock(mutex_);
  updates_.push_back(std::move(update));
}

ThreadSlots& Registry::register_thread() {
  const std::lock_guard lock(mutex_);
  ThreadSlots& slots = *threads_.emplace_back(std::make_unique<ThreadSlots>());
  for (std::uint32_t slot = 0; slot < next_slot_; slot += ThreadSlots::kChunk) slots.make_chunk(slot / ThreadSlots::kChunk);
  return slots;
}

std::uint64_t Registry::sum(std::uint32_t slot) const {
  std::uint64_t total = 0;
  for (const auto& thread : threads_) total += thread->read(slot);
  return total;
}

double Registry::sum_double(std::uint32_t slot) const {
  double total = 0;
  for (const auto& thread : threads_) total += std::bit_cast<double>(thread->read(slot));
  return total;
}

std::uint64_t Registry::value(Counter counter) const {
  const std::lock_guard lock(mutex_);
  return sum(counter.slot);
}

std::string Registry::expose() const {
  std::vector<std::function<void()>> updates;
  {
    const std::lock_guard lock(mutex_);
    updates.assign(updates_.begin(), updates_.end());
  }
  for (const auto& update : updates) update();  // without the lock: they set gauges and read counters of this registry
  const std::lock_guard lock(mutex_);
  std::vector<const Family*> sorted;
  for (const Family& one : families_) sorted.push_back(&one);
  std::ranges::sort(sorted, {}, &Family::name);
  std::string out;
  for (const Family* one : sorted) expose_family(*one, out);
  return out;
}

void Registry::expose_family(const Family& family, std::string& out) const {
  const std::string_view kind = family.kind == Kind::kCounter ? "counter" : family.kind == Kind::kGauge ? "gauge" : "histogram";
  append_family_head(out, family.name, family.help, kind);
  std::vector<const Series*> sorted;
  for (const Series& one : family.series) sorted.push_back(&one);
  std::ranges::sort(sorted, [](const Series* a, const Series* b) {
    return std::ranges::lexicographical_compare(a->labels, b->labels, {}, &Label::value, &Label::value);
  });
  for (const Series* one : sorted) {
    if (family.kind == Kind::kHistogram) {
      expose_histogram(family, *one, out);
    } else if (family.store == Store::kCell) {
      append_sample(out, family.name, one->labels, nullptr, one->cell->load(std::memory_order_relaxed));
    } else {
      append_sample(out, family.name, one->labels, nullptr, static_cast<double>(sum(one->slot)));
    }
  }
}

void Registry::expose_histogram(const Family& family, const Series& one, std::string& out) const {
  const auto n = static_cast<std::uint32_t>(family.bounds.size());
  std::uint64_t total = 0;
  for (std::uint32_t b = 0; b <= n; ++b) {
    total += sum(one.slot + b);
    const Label edge{"le", b < n ? format_number(family.bounds[b]) : "+Inf"};
    append_sample(out, family.name + "_bucket", one.labels, &edge, static_cast<double>(total));
  }
  append_sample(out, family.name + "_sum", one.labels, nullptr, sum_double(one.slot + n + 1));
  append_sample(out, family.name + "_count", one.labels, nullptr, static_cast<double>(total));
}

}  // namespace lodestone::metrics
