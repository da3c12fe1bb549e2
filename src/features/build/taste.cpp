#include "features/build/taste.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

namespace lodestone::features {
namespace {

using table::Chunk;

double number_at(const Chunk& chunk, std::size_t column, std::size_t row) {
  return chunk.is_null(column, row) ? Taste::kMissing : chunk.doubles(column)[row];
}

void read_items(table::Engine& engine, Numbering& items, Catalogue& out) {
  std::vector<std::string> categories;
  engine.query(
      "SELECT CAST(item_id AS BIGINT), category, CAST(price AS DOUBLE), CAST(price_bucket AS DOUBLE) FROM feature_item_prices "
      "ORDER BY item_id",
      [&](const Chunk& chunk) {
        for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
          items.add(chunk.ints(0)[r]);
          categories.emplace_back(chunk.is_null(1, r) ? "" : chunk.text_at(1, r));
          out.prices.push_back(number_at(chunk, 2, r));
          out.buckets.push_back(number_at(chunk, 3, r));
        }
      });
  LODESTONE_ASSERT(items.size() == out.size(), "{} items of {}", items.size(), out.size());
  out.category_texts = categories;
  std::sort(out.category_texts.begin(), out.category_texts.end());
  out.category_texts.erase(std::unique(out.category_texts.begin(), out.category_texts.end()), out.category_texts.end());
  std::erase(out.category_texts, "");
  for (const std::string& category : categories) {
    const auto at = std::lower_bound(out.category_texts.begin(), out.category_texts.end(), category);
    out.categories.push_back(category.empty() ? -1 : static_cast<std::int32_t>(at - out.category_texts.begin()));
  }
}

void read_tags(table::Engine& engine, Catalogue& out) {
  engine.query("SELECT tag FROM (SELECT DISTINCT tag, tag_no FROM feature_item_tags) t ORDER BY tag_no", [&](const Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) out.tag_texts.emplace_back(chunk.text_at(0, r));
  });
  // By the place of the item, which is that of its id in feature_item_prices.
  std::uint32_t item = 0;
  engine.query(
      "SELECT CAST(p.place AS BIGINT), CAST(t.tag_no AS BIGINT) FROM feature_item_tags t JOIN (SELECT item_id, row_number() OVER "
      "(ORDER BY item_id) AS place FROM feature_item_prices) p ON p.item_id = t.item_id ORDER BY p.place",
      [&](const Chunk& chunk) {
        for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
          for (; item + 1 < chunk.ints(0)[r]; ++item) out.tag_begins.push_back(static_cast<std::uint32_t>(out.tags.size()));
          out.tags.push_back(static_cast<std::uint32_t>(chunk.ints(1)[r] - 1));
        }
      });
  out.tag_begins.resize(out.size() + 1, static_cast<std::uint32_t>(out.tags.size()));
}

/// How often each of a few of many numbers came: memory for all, and work for those that came.
class Tally {
 public:
  explicit Tally(std::size_t n) : counts_(n) {}
  void add(std::uint32_t number) {
    if (counts_[number]++ == 0) seen_.push_back(number);
    ++n_;
  }
  [[nodiscard]] std::size_t n_different() const { return seen_.size(); }
  [[nodiscard]] std::uint32_t n() const { return n_; }
  [[nodiscard]] std::uint32_t count(std::uint32_t number) const { return counts_[number]; }
  /// The `k` most frequent in front, of equal ones the smaller.
  [[nodiscard]] std::span<const std::uint32_t> top(std::size_t k) {
    k = std::min(k, seen_.size());
    std::partial_sort(
        seen_.begin(), seen_.begin() + static_cast<std::ptrdiff_t>(k), seen_.end(),
        [&](std::uint32_t a, std::uint32_t b) { return counts_[a] != counts_[b] ? counts_[a] > counts_[b] : a < b; });
    return std::span(seen_).first(k);
  }
  void clear() {
    for (const std::uint32_t number : seen_) counts_[number] = 0;
    seen_.clear();
    n_ = 0;
  }

 private:
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint32_t> seen_;
  std::uint32_t n_ = 0;
};

/// The median of an even number lies between the middle two, as SQL's does.
double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const double below = *std::max_element(values.begin(), middle);
  return below + (*middle - below) / 2;
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Makes one user's taste after another.
class TasteBuilder {
 public:
  TasteBuilder(const Catalogue& catalogue, const Touches& touches)
      : catalogue_(catalogue),
        touches_(touches),
        categories_(catalogue.category_texts.size()),
        tags_(catalogue.tag_texts.size()) {}

  void build(std::uint32_t user, Taste& out) {
    prices_.clear();
    buckets_.clear();
    categories_.clear();
    tags_.clear();
    for (std::size_t t = 0; t < touches_.size(user); ++t) add(touches_.at(user, t), out);
    if (!prices_.empty()) {
      out.price_min = *std::min_element(prices_.begin(), prices_.end());
      out.price_max = *std::max_element(prices_.begin(), prices_.end());
      out.price_mean = mean(prices_);
      out.price_median = median(prices_);
    }
    if (!buckets_.empty()) out.price_bucket = mean(buckets_);
    out.n_categories = static_cast<std::uint32_t>(categories_.n_different());
    for (const std::uint32_t category : categories_.top(1)) {
      out.top_category = static_cast<std::int32_t>(category);
      out.top_category_share = static_cast<double>(categories_.count(category)) / categories_.n();
    }
    out.n_tags = static_cast<std::uint32_t>(tags_.n_different());
    out.n_tags_seen = tags_.n();
    std::size_t place = 0;
    for (const std::uint32_t tag : tags_.top(Taste::kTopTags)) {
      out.top_tags[place] = static_cast<std::int32_t>(tag);
      out.top_tag_counts[place++] = tags_.count(tag);
    }
  }

 private:
  void add(const Touch& touch, Taste& out) {
    if (touch.item >= catalogue_.size()) return;
    ++out.n_items;
    if (touch.window <= Window::kWeek) ++out.n_items_7d;
    if (touch.window <= Window::kMonth) ++out.n_items_30d;
    if (!std::isnan(catalogue_.prices[touch.item])) prices_.push_back(catalogue_.prices[touch.item]);
    if (!std::isnan(catalogue_.buckets[touch.item])) buckets_.push_back(catalogue_.buckets[touch.item]);
    const std::int32_t category = catalogue_.categories[touch.item];
    if (category >= 0) categories_.add(static_cast<std::uint32_t>(category));
    for (std::uint32_t t = catalogue_.tag_begins[touch.item]; t < catalogue_.tag_begins[touch.item + 1]; ++t)
      tags_.add(catalogue_.tags[t]);
  }

  const Catalogue& catalogue_;
  const Touches& touches_;
  Tally categories_;
  Tally tags_;
  std::vector<double> prices_;
  std::vector<double> buckets_;
};

void add_people(const Touches& touches, std::size_t n_persons, Tastes& out) {
  for (std::uint32_t person = 0; person < n_persons; ++person) {
    for (std::size_t t = 0; t < touches.size(person); ++t) {
      const Touch touch = touches.at(person, t);
      ItemPeople& people = out.items[touch.item];
      ++people.within[static_cast<std::size_t>(touch.window)];
      if (touch.bought) ++people.buyers;
    }
  }
}

void add_buyers(const Touches& touches, std::size_t n_users, const Catalogue& catalogue, Tastes& out) {
  for (std::uint32_t user = 0; user < n_users; ++user) {
    for (std::size_t t = 0; t < touches.size(user); ++t) {
      const Touch touch = touches.at(user, t);
      if (touch.bought && touch.item < catalogue.size()) out.buyers.push_back({user, touch.item});
    }
  }
}

}  // namespace

Catalogue read_catalogue(table::Engine& engine, Numbering& items) {
  Catalogue out;
  read_items(engine, items, out);
  read_tags(engine, out);
  return out;
}

void add_tastes(EventCounts& counts, const Catalogue& catalogue, int n_threads, Tastes& out) {
  const std::size_t n_users = counts.users.size();
  out.users.resize(n_users);
  out.items.resize(counts.items.size());
  counts.guest_touches.sort(counts.guests.size(), n_threads);
  add_people(counts.guest_touches, counts.guests.size(), out);
  counts.guest_touches.clear();
  counts.user_touches.sort(n_users, n_threads);
  add_people(counts.user_touches, n_users, out);
  add_buyers(counts.user_touches, n_users, catalogue, out);
  parallel_for(n_users, 4096, n_threads, [&](std::size_t begin, std::size_t end, int) {
    TasteBuilder builder(catalogue, counts.user_touches);
    for (std::size_t user = begin; user < end; ++user) {
      const auto number = static_cast<std::uint32_t>(user);
      if (counts.user_touches.size(number) > 0) builder.build(number, out.users[user]);
    }
  });
  counts.user_touches.clear();
}

}  // namespace lodestone::features
