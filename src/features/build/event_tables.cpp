#include "features/build/event_tables.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <functional>

namespace lodestone::features {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kDayMicros = 86'400e6;

/// A column made from the rows' places: a number, NaN = null, or a text, nullptr = null.
struct RowColumn {
  std::string name;
  std::function<double(std::size_t row)> number = {};
  std::function<const std::string*(std::size_t row)> text = {};
};

/// Rows 0 to n - 1: the id, then the columns.
class PlaceRows final : public table::RowStream {
 public:
  PlaceRows(std::string id, std::span<const std::int64_t> ids, std::vector<RowColumn> columns)
      : ids_(ids), columns_(std::move(columns)) {
    schema_.push_back({std::move(id), table::ColumnType::kInt64});
    for (const RowColumn& column : columns_)
      schema_.push_back({column.name, column.text ? table::ColumnType::kText : table::ColumnType::kDouble});
  }
  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return ids_.size(); }
  bool next(table::Batch& batch) override {
    batch.clear();
    for (; !batch.full() && row_ < ids_.size(); ++row_) {
      batch.append_int(0, ids_[row_]);
      for (std::size_t c = 0; c < columns_.size(); ++c) append(batch, c);
      batch.end_row();
    }
    return batch.n_rows() > 0;
  }

 private:
  void append(table::Batch& batch, std::size_t c) const {
    const RowColumn& column = columns_[c];
    if (column.text) {
      const std::string* text = column.text(row_);
      return text == nullptr ? batch.append_null(c + 1) : batch.append_text(c + 1, *text);
    }
    const double number = column.number(row_);
    return std::isnan(number) ? batch.append_null(c + 1) : batch.append_double(c + 1, number);
  }

  std::span<const std::int64_t> ids_;
  std::vector<RowColumn> columns_;
  table::Schema schema_;
  std::size_t row_ = 0;
};

/// Accounts and what they ordered.
class BuyerRows final : public table::RowStream {
 public:
  BuyerRows(const EventCounts& counts, const Tastes& tastes) : counts_(counts), buyers_(tastes.buyers) {}
  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return buyers_.size(); }
  bool next(table::Batch& batch) override {
    batch.clear();
    for (; !batch.full() && row_ < buyers_.size(); ++row_) {
      batch.append_int(0, counts_.users.ids()[buyers_[row_].user]);
      batch.append_int(1, counts_.items.ids()[buyers_[row_].item]);
      batch.end_row();
    }
    return batch.n_rows() > 0;
  }

 private:
  const EventCounts& counts_;
  std::span<const Buyer> buyers_;
  table::Schema schema_ = {{"user_id", table::ColumnType::kInt64}, {"item_id", table::ColumnType::kInt64}};
  std::size_t row_ = 0;
};

double days(std::int64_t age) { return age == Activity::kNever ? kMissing : static_cast<double>(age) / kDayMicros; }

struct NamedWindow {
  const char* name;
  Window window;
};
constexpr std::array kNested = {NamedWindow{"1h", Window::kHour}, NamedWindow{"24h", Window::kDay},
                                NamedWindow{"7d", Window::kWeek}, NamedWindow{"30d", Window::kMonth}};
constexpr std::array<const char*, kSlots> kSlotNames = {"1", "2_3", "4_10", "11"};

/// Columns over the activity of users or items.
class ActivityColumns {
 public:
  ActivityColumns(std::string prefix, const std::vector<Activity>& rows) : prefix_(std::move(prefix)), rows_(rows) {}

  template <typename Get>
  void add(const std::string& name, Get get) {
    const std::vector<Activity>* rows = &rows_;
    columns_.push_back({prefix_ + name, [rows, get](std::size_t r) { return static_cast<double>(get((*rows)[r])); }});
  }
  void add_windows(const std::string& name, EventKind kind) {
    for (const NamedWindow& w : kNested)
      add(fmt::format("{}_{}", name, w.name), [kind, window = w.window](const Activity& a) {
        return kind == EventKind::kOrder ? a.orders_within(window) : a.within(kind, window);
      });
  }
  std::vector<RowColumn> take() { return std::move(columns_); }

 private:
  std::string prefix_;
  const std::vector<Activity>& rows_;
  std::vector<RowColumn> columns_;
};

double order_mean(const Activity& a) { return a.n_valued == 0 ? kMissing : a.money / a.n_valued; }

std::vector<RowColumn> user_activity_columns(const EventCounts& counts) {
  ActivityColumns out("user_", counts.user_activity);
  out.add("order_count", [](const Activity& a) { return a.orders_within(Window::kEver); });
  out.add("api_order_count", [](const Activity& a) { return a.total(EventKind::kApiOrder); });
  out.add("refund_count", [](const Activity& a) { return a.total(EventKind::kRefund); });
  out.add("cart_count", [](const Activity& a) { return a.total(EventKind::kCart); });
  out.add("click_count", [](const Activity& a) { return a.total(EventKind::kClick); });
  out.add("view_count", [](const Activity& a) { return a.total(EventKind::kView); });
  out.add("exposure_count", [](const Activity& a) { return a.total(EventKind::kExposure); });
  out.add_windows("views", EventKind::kView);
  out.add_windows("clicks", EventKind::kClick);
  out.add_windows("orders", EventKind::kOrder);
  out.add("spend_sum", [](const Activity& a) { return a.n_valued == 0 ? kMissing : a.money; });
  out.add("spend_mean", order_mean);
  out.add("spend_std", [](const Activity& a) { return a.n_valued == 0 ? kMissing : std::sqrt(a.money_squares / a.n_valued); });
  out.add("spend_min", [](const Activity& a) { return a.n_valued == 0 ? kMissing : a.money_min; });
  out.add("spend_max", [](const Activity& a) { return a.n_valued == 0 ? kMissing : a.money_max; });
  out.add("first_order_days", [](const Activity& a) { return days(a.first_order); });
  out.add("last_order_days", [](const Activity& a) { return days(a.last_order); });
  out.add("last_event_days", [](const Activity& a) { return days(a.last_action); });
  out.add("active_days_30d", [](const Activity& a) { return std::popcount(a.active_days); });
  return out.take();
}

std::vector<RowColumn> item_activity_columns(const EventCounts& counts) {
  ActivityColumns out("item_", counts.item_activity);
  struct Counted {
    const char* name;
    EventKind kind;
  };
  for (const auto& [name, kind] :
       {Counted{"exposures", EventKind::kExposure}, Counted{"views", EventKind::kView}, Counted{"clicks", EventKind::kClick},
        Counted{"carts", EventKind::kCart}, Counted{"orders", EventKind::kOrder}}) {
    out.add_windows(name, kind);
    out.add(fmt::format("{}_all", name),
            [k = kind](const Activity& a) { return k == EventKind::kOrder ? a.orders_within(Window::kEver) : a.total(k); });
  }
  out.add("refunds_all", [](const Activity& a) { return a.total(EventKind::kRefund); });
  for (std::size_t h = 0; h < kHalfLifeDays.size(); ++h)
    out.add(fmt::format("popularity_{}d", kHalfLifeDays[h]), [h](const Activity& a) { return a.popularity[h]; });
  out.add("revenue", [](const Activity& a) { return a.money; });
  out.add("revenue_30d", [](const Activity& a) { return a.money_30d; });
  out.add("order_value_mean", order_mean);
  out.add("last_event_days", [](const Activity& a) { return days(a.last_action); });
  out.add("first_event_days", [](const Activity& a) { return days(a.first_action); });
  out.add("last_order_days", [](const Activity& a) { return days(a.last_order); });
  out.add("active_days_30d", [](const Activity& a) { return std::popcount(a.active_days); });
  return out.take();
}

void add_taste_columns(const Catalogue& catalogue, const Tastes& tastes, std::vector<RowColumn>& out) {
  const std::vector<Taste>* users = &tastes.users;
  const auto add = [&](const char* name, auto get) {
    out.push_back({name, [users, get](std::size_t r) { return static_cast<double>(get((*users)[r])); }});
  };
  const auto add_text = [&](std::string name, const std::vector<std::string>& texts, auto get) {
    out.push_back({std::move(name), {}, [users, get, all = &texts](std::size_t r) -> const std::string* {
                     const std::int32_t at = get((*users)[r]);
                     return at < 0 ? nullptr : &(*all)[static_cast<std::size_t>(at)];
                   }});
  };
  add("user_item_count", [](const Taste& t) { return t.n_items; });
  add("user_items_7d", [](const Taste& t) { return t.n_items_7d; });
  add("user_items_30d", [](const Taste& t) { return t.n_items_30d; });
  add("user_price_min", [](const Taste& t) { return t.price_min; });
  add("user_price_max", [](const Taste& t) { return t.price_max; });
  add("user_price_mean", [](const Taste& t) { return t.price_mean; });
  add("user_price_median", [](const Taste& t) { return t.price_median; });
  add("user_price_bucket", [](const Taste& t) { return t.price_bucket; });
  add("user_category_count", [](const Taste& t) { return t.n_categories; });
  add_text("user_top_category", catalogue.category_texts, [](const Taste& t) { return t.top_category; });
  add("user_top_category_share", [](const Taste& t) { return t.top_category_share; });
  add("user_tag_count", [](const Taste& t) { return t.n_tags; });
  add("user_tag_diversity", [](const Taste& t) {
    return t.n_tags_seen == 0 ? kMissing : static_cast<double>(t.n_tags) / static_cast<double>(t.n_tags_seen);
  });
  for (std::size_t place = 0; place < Taste::kTopTags; ++place) {
    const std::string name = fmt::format("user_top_tag_{}", place + 1);
    add_text(name, catalogue.tag_texts, [place](const Taste& t) { return t.top_tags[place]; });
    add((name + "_count").c_str(), [place](const Taste& t) { return t.top_tag_counts[place]; });
  }
}

void add_people_columns(const Tastes& tastes, std::vector<RowColumn>& out) {
  const std::vector<ItemPeople>* items = &tastes.items;
  const auto add = [&](const std::string& name, Window window) {
    out.push_back({"item_people_" + name, [items, window](std::size_t r) {
                     std::uint32_t n = 0;
                     for (std::size_t w = 0; w <= static_cast<std::size_t>(window); ++w) n += (*items)[r].within[w];
                     return static_cast<double>(n);
                   }});
  };
  add("24h", Window::kDay);
  add("7d", Window::kWeek);
  add("30d", Window::kMonth);
  add("all", Window::kEver);
  out.push_back({"item_buyer_count", [items](std::size_t r) { return static_cast<double>((*items)[r].buyers); }});
}

void add_slot_columns(const EventCounts& counts, std::vector<RowColumn>& out) {
  const std::vector<SlotCounts>* items = &counts.item_slots;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    out.push_back({fmt::format("exposures_{}", kSlotNames[slot]),
                   [items, slot](std::size_t r) { return static_cast<double>((*items)[r].exposures[slot]); }});
    out.push_back({fmt::format("clicks_{}", kSlotNames[slot]),
                   [items, slot](std::size_t r) { return static_cast<double>((*items)[r].clicks[slot]); }});
  }
}

void make_table(table::Engine& engine, const std::string& name, table::RowStream& rows) {
  engine.read_stream(rows, nullptr, [&] {
    engine.execute(fmt::format("CREATE OR REPLACE TEMPORARY TABLE {} AS SELECT * FROM stream_rows", name));
  });
}

}  // namespace

void make_event_tables(table::Engine& engine, const EventCounts& counts, const Catalogue& catalogue, const Tastes& tastes) {
  std::vector<RowColumn> columns = user_activity_columns(counts);
  add_taste_columns(catalogue, tastes, columns);
  PlaceRows users("user_id", counts.users.ids(), std::move(columns));
  make_table(engine, "feature_user_events", users);
  columns = item_activity_columns(counts);
  add_people_columns(tastes, columns);
  add_slot_columns(counts, columns);
  PlaceRows items("item_id", counts.items.ids(), std::move(columns));
  make_table(engine, "feature_item_events", items);
  BuyerRows buyers(counts, tastes);
  make_table(engine, "feature_buyers", buyers);
}

}  // namespace lodestone::features
