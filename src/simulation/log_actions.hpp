#pragma once
// The table matomo_log_action: each URL, title, SKU, keyword and event text once, with the id that the other tables name it by.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/items.hpp"
#include "simulation/table_writer.hpp"

namespace lodestone::simulation {

/// An id of a recommendation request, "req_" and a UUID; not there when both halves are 0.
struct RequestKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  [[nodiscard]] bool is_set() const { return (high | low) != 0; }
};

/// "req_0f8fad5b-d9cb-469f-a165-70867728950e".
std::string format_request(const RequestKey& request);

/// What a data set's page is for.
enum class Page : std::uint8_t { kDetail, kApiDetail, kPayment };

/// "data.example.com/dataDetail/12".
std::string page_url(Page page, std::uint32_t item);

using ActionId = std::uint32_t;

/// Writes a row the first time an action is asked for. Memory grows with items, not with events: URLs with a request id occur once and are
/// not remembered. One thread.
class LogActions {
 public:
  LogActions(const Items& items, TableWriter& out);

  ActionId home() { return home_; }
  ActionId event_category() { return event_category_; }
  ActionId event_action() { return event_action_; }
  /// Event name of a click of the older front end, which does not name the data set.
  ActionId card() { return card_; }
  /// A page that shows a data set without its id in the URL.
  ActionId special() { return special_; }
  ActionId page(Page page, std::uint32_t item);
  ActionId landing(Page page, std::uint32_t item, const RequestKey& request, int position);
  ActionId title(std::uint32_t item);
  ActionId sku(std::uint32_t item);
  ActionId click_name(std::uint32_t item);
  ActionId keyword(std::uint32_t cluster);
  ActionId search_url(std::uint32_t cluster);

 private:
  enum Type : int { kUrl = 1, kTitle = 4, kSku = 5, kKeyword = 8, kCategory = 10, kAction = 11, kName = 12 };
  struct ItemActions {
    std::array<ActionId, 3> pages{};
    ActionId title = 0;
    ActionId sku = 0;
    ActionId click_name = 0;
  };
  ActionId add(Type type, std::string_view name);
  ActionId once(ActionId& id, Type type, std::string_view name) { return id != 0 ? id : id = add(type, name); }

  const Items* items_;
  TableWriter* out_;
  ActionId last_ = 0;
  ActionId home_, event_category_, event_action_, card_, special_;
  std::vector<ItemActions> of_item_;
  std::vector<ActionId> keywords_;
  std::vector<ActionId> searches_;
};

}  // namespace lodestone::simulation
