#include "simulation/pending.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lodestone::simulation {
namespace {

constexpr std::int64_t kSite = 1;

std::string page_view_text(std::uint32_t seed) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string text(6, ' ');
  std::uint64_t left = seed;
  for (char& c : text) {
    c = kLetters[left % kLetters.size()];
    left /= kLetters.size();
  }
  return text;
}

int first_other(int a, int b) {
  int dimension = 1;
  while (dimension == a || dimension == b) ++dimension;
  return dimension;
}

}  // namespace

Pending::Pending(const SimulationOptions& options, Tables tables)
    : request_dimension_(options.request_dimension),
      click_dimension_(options.effective_click_dimension()),
      client_dimension_(first_other(request_dimension_, click_dimension_)),
      tables_(tables) {}

template <typename Row>
void Pending::flush(std::vector<Row>& rows, Seconds until) {
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.at < b.at; });
  auto row = rows.begin();
  for (; row != rows.end() && row->at < until; ++row) write(*row);
  rows.erase(rows.begin(), row);
}

void Pending::flush(Seconds until) {
  flush(actions_, until);
  // Orders before conversions: a conversion names the id of an order that was made no later.
  flush(orders_, until);
  flush(conversions_, until);
}

void Pending::write_dimensions(TableWriter& out, const RequestKey& request, std::string_view click, bool phone) const {
  for (int dimension = 1; dimension <= 5; ++dimension) {
    if (dimension == request_dimension_ && request.is_set()) {
      out.text(format_request(request));
    } else if (dimension == click_dimension_ && !click.empty()) {
      out.text(click);
    } else if (dimension == client_dimension_) {
      out.text(phone ? "h5" : "web");
    } else {
      out.null();
    }
  }
}

void Pending::write(const ActionRow& row) {
  TableWriter& out = *tables_.actions;
  out.integer(++last_action_).integer(kSite).visitor(row.visitor).integer(static_cast<std::int64_t>(row.visit)).utc(row.at);
  out.text(page_view_text(row.page_view)).id_or_null(row.name).id_or_null(row.url).id_or_null(row.sku);
  out.id_or_null(row.event_action).id_or_null(row.event_category);
  row.position != 0 ? out.number(row.position) : out.null();
  const std::string click = row.click_item != 0 ? fmt::format("click_{}_{}", row.position, row.click_item) : "";
  write_dimensions(out, row.request, click, row.phone);
  out.end_row();
}

void Pending::write(const ConversionRow& row) {
  std::string order;
  if (row.order_key != 0) {
    const auto found = order_ids_.find(row.order_key);
    LODESTONE_ASSERT(found != order_ids_.end(), "conversion of order {} comes before it", row.order_key);
    order = fmt::format("{}{}", found->second < 0 ? 'A' : 'D', std::abs(found->second));
    order_ids_.erase(found);
  }
  TableWriter& out = *tables_.conversions;
  out.integer(static_cast<std::int64_t>(row.visit)).integer(kSite).visitor(row.visitor).utc(row.at).id_or_null(row.url);
  out.integer(row.goal).integer(row.buster).text_or_null(order).text("https://" + page_url(row.page, row.item));
  out.number(static_cast<double>(row.cents) / 100);
  write_dimensions(out, row.request, "", row.phone);
  out.end_row();
}

void Pending::write(const OrderRow& row) {
  TableWriter& out = row.is_api ? *tables_.api_orders : *tables_.orders;
  const std::int64_t id = row.is_api ? ++last_api_order_ : ++last_order_;
  if (row.has_conversion) order_ids_[row.key] = row.is_api ? -id : id;
  out.integer(id).integer(row.item + 1).integer(row.user + 1).money(row.cents);
  if (row.is_api) out.money(row.api_cents).integer(row.frequency);
  out.integer(static_cast<int>(row.status)).integer(row.deleted ? 1 : 0).shanghai(row.at).shanghai(row.updated);
  row.paid != 0 ? out.shanghai(row.paid) : out.null();
  out.end_row();
}

}  // namespace lodestone::simulation
