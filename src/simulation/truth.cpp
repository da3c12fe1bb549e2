#include "simulation/truth.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "simulation/output_file.hpp"

namespace lodestone::simulation {
namespace {

std::int64_t whole(std::uint64_t n) { return static_cast<std::int64_t>(n); }

void write_orders(json::Writer& out, std::string_view name, const OrderCounts& orders) {
  out.key(name).begin_object();
  out.key("paid").value(whole(orders.paid)).key("unpaid").value(whole(orders.unpaid));
  out.key("cancelled").value(whole(orders.cancelled)).key("refunded").value(whole(orders.refunded));
  out.key("deleted").value(whole(orders.deleted)).key("late").value(whole(orders.late));
  out.end_object();
}

/// Pages that browsers showed without an account, of those that were seen with one.
std::uint64_t stitched_views(const Truth& truth) {
  std::vector<bool> is_known(truth.browsers->anonymous_views.size());
  for (std::size_t i = 0; i < truth.browsers->seen_with_account.size(); ++i) {
    if (truth.browsers->seen_with_account[i] != 0) is_known[truth.population->browser_of(i / 2, i % 2 == 1)] = true;
  }
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < is_known.size(); ++i) sum += is_known[i] ? truth.browsers->anonymous_views[i] : 0;
  return sum;
}

void write_counts(json::Writer& out, const Truth& truth) {
  const Counts& counts = truth.summary->counts;
  out.key("tables").begin_object();
  for (std::size_t i = 0; i < kTableCount; ++i) out.key(marketplace_tables()[i].name).value(whole(truth.summary->rows[i]));
  out.end_object();
  out.key("events").begin_object();
  out.key("view").value(whole(counts.views())).key("click").value(whole(counts.clicks));
  out.key("cart").value(whole(counts.cart_updates)).key("order").value(whole(counts.orders.paid));
  out.key("api_order").value(whole(counts.api_orders.paid));
  out.key("refund").value(whole(counts.orders.refunded + counts.api_orders.refunded));
  out.end_object();
  out.key("actions").begin_object();
  out.key("home").value(whole(counts.home_pages)).key("search").value(whole(counts.searches));
  out.key("detail").value(whole(counts.detail_pages)).key("api_detail").value(whole(counts.api_detail_pages));
  out.key("sku").value(whole(counts.sku_pages)).key("payment").value(whole(counts.payment_pages));
  out.key("click").value(whole(counts.clicks)).key("click_landing").value(whole(counts.clicks_on_landing));
  out.key("click_by_dimension").value(whole(counts.clicks_by_dimension));
  out.end_object();
  out.key("conversions").begin_object();
  out.key("order").value(whole(counts.order_conversions)).key("attributed_order").value(whole(counts.attributed_orders));
  out.key("cart").value(whole(counts.cart_updates)).key("goal").value(whole(counts.goal_conversions));
  out.end_object();
  write_orders(out, "orders", counts.orders);
  write_orders(out, "api_orders", counts.api_orders);
  out.key("views").begin_object();
  out.key("with_account").value(whole(counts.views_by_account));
  out.key("stitched").value(whole(stitched_views(truth)));
  out.key("bots").value(whole(counts.views_by_bot));
  out.end_object();
}

void write_world(json::Writer& out, OutputFile& file, const Truth& truth) {
  const Items& items = *truth.items;
  const Seconds end = std::chrono::floor<std::chrono::seconds>(truth.options->end).time_since_epoch().count();
  out.key("clusters").begin_array();
  for (std::size_t i = 0; i < items.n_clusters(); ++i) out.value(items.cluster_name(i));
  out.end_array();
  out.key("items").begin_object().key("cluster").begin_array();
  for (std::size_t i = 0; i < items.size(); ++i) out.value(whole(items[i].cluster));
  out.end_array().key("popularity").begin_array();
  for (std::size_t i = 0; i < items.size(); ++i) out.value(items.popularity(i));
  out.end_array().key("on_sale").begin_array();
  for (std::size_t i = 0; i < items.size(); ++i) out.boolean(items.on_sale(i, end - 1));
  out.end_array().end_object();
  out.key("users").begin_object().key("taste").begin_array();
  for (std::size_t i = 0; i < truth.population->n_users(); ++i) {
    out.begin_array();
    for (const std::uint32_t cluster : truth.population->user(i).taste) out.value(whole(cluster));
    out.end_array();
    file.spill();
  }
  out.end_array().key("log_price").begin_array();
  for (std::size_t i = 0; i < truth.population->n_users(); ++i) {
    out.value(static_cast<double>(truth.population->user(i).log_price));
    file.spill();
  }
  out.end_array().end_object();
}

void write_visitors(json::Writer& out, OutputFile& file, const Truth& truth) {
  const Population& population = *truth.population;
  out.key("visitors").begin_object().key("accounts").begin_object();
  const auto seen = [&](std::size_t i) {
    return i < truth.browsers->seen_with_account.size() && truth.browsers->seen_with_account[i] != 0;
  };
  for (std::uint32_t browser = 0; browser < 2 * population.n_users(); ++browser) {
    // The owner, and for a first browser perhaps the next account, which shares it.
    const std::size_t owner = browser / 2;
    const bool is_first = browser % 2 == 0;
    const bool by_owner = seen(browser) && population.browser_of(owner, !is_first) == browser;
    const bool is_shared = is_first && owner + 1 < population.n_users() && population.user(owner + 1).shares_browser;
    const bool by_next = is_shared && seen(2 * (owner + 1));
    if (!by_owner && !by_next) continue;
    out.key(fmt::format("{:016x}", population.browser_id(browser))).begin_array();
    if (by_owner) out.value(whole(owner + 1));
    if (by_next) out.value(whole(owner + 2));
    out.end_array();
    file.spill();
  }
  out.end_object().key("bots").begin_array();
  for (const std::uint64_t bot : truth.bots) out.value(fmt::format("{:016x}", bot));
  out.end_array().end_object();
}

}  // namespace

void write_truth(const fs::path& path, const Truth& truth) {
  OutputFile file(path);
  json::Writer out(file.buffer());
  const TimePoint end = std::chrono::floor<std::chrono::seconds>(truth.options->end);
  out.begin_object().key("seed").value(fmt::format("{}", truth.options->seed));
  out.key("start").value(format_rfc3339(end - std::chrono::days(truth.options->days))).key("end").value(format_rfc3339(end));
  write_counts(out, truth);
  write_world(out, file, truth);
  write_visitors(out, file, truth);
  out.end_object();
  file.buffer() += '\n';
  file.finish();
}

}  // namespace lodestone::simulation
