#pragma once
// Rows that have been made up but lie in the future of the hour under simulation. They are written in the order of time, so that ids of
// auto-increment columns ascend with time as they do in a real database, and memory holds a few hours at most.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "simulation/log_actions.hpp"
#include "simulation/options.hpp"
#include "simulation/table_writer.hpp"

namespace lodestone::simulation {

struct ActionRow {
  Seconds at = 0;
  std::uint64_t visit = 0;
  std::uint64_t visitor = 0;
  ActionId url = 0, name = 0, sku = 0, event_action = 0, event_category = 0;  ///< 0 for null
  std::uint32_t page_view = 0;  ///< seed of idpageview, the same for a page and the events on it
  RequestKey request{};
  std::uint32_t click_item = 0;  ///< id (not number) in the click dimension, 0 for null
  std::uint8_t position = 0;     ///< of a click, from 1
  bool phone = false;
};

struct ConversionRow {
  Seconds at = 0;
  std::uint64_t visit = 0;
  std::uint64_t visitor = 0;
  ActionId url = 0;
  Page page = Page::kDetail;
  std::uint32_t item = 0;
  int goal = 0;
  std::uint32_t buster = 0;
  std::uint64_t order_key = 0;  ///< of an order, 0 for none
  std::int64_t cents = 0;
  RequestKey request{};
  bool phone = false;
};

enum class PayStatus : int { kUnpaid = 0, kPaid = 1, kCancelled = 2, kRefunded = 3, kInvoiced = 5 };

struct OrderRow {
  Seconds at = 0;
  std::uint64_t key = 0;        ///< unique over both kinds of orders
  bool has_conversion = false;  ///< a conversion with this key will come
  bool is_api = false;
  bool deleted = false;
  PayStatus status = PayStatus::kUnpaid;
  std::uint32_t item = 0;
  std::uint32_t user = 0;
  std::int64_t cents = 0;      ///< what is paid
  std::int64_t api_cents = 0;  ///< of an API order: price of one call
  int frequency = 0;           ///< of an API order: number of calls
  Seconds updated = 0;
  Seconds paid = 0;  ///< 0 for never
};

/// One thread.
class Pending {
 public:
  struct Tables {
    TableWriter* actions;
    TableWriter* conversions;
    TableWriter* orders;
    TableWriter* api_orders;
  };
  Pending(const SimulationOptions& options, Tables tables);

  void add(const ActionRow& row) { actions_.push_back(row); }
  void add(const ConversionRow& row) { conversions_.push_back(row); }
  void add(const OrderRow& row) { orders_.push_back(row); }

  /// Writes all rows before `until`, in the order of time; of equal times in the order in which they were added.
  void flush(Seconds until);

 private:
  void write(const ActionRow& row);
  void write(const ConversionRow& row);
  void write(const OrderRow& row);
  void write_dimensions(TableWriter& out, const RequestKey& request, std::string_view click, bool phone) const;
  template <typename Row>
  void flush(std::vector<Row>& rows, Seconds until);

  int request_dimension_;
  int click_dimension_;
  int client_dimension_;
  Tables tables_;
  std::vector<ActionRow> actions_;
  std::vector<ConversionRow> conversions_;
  std::vector<OrderRow> orders_;
  std::int64_t last_action_ = 0;
  std::int64_t last_order_ = 0;
  std::int64_t last_api_order_ = 0;
  std::unordered_map<std::uint64_t, std::int64_t> order_ids_;  // of orders whose conversion has not been written
};

}  // namespace lodestone::simulation
