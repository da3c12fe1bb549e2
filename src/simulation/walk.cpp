#include "simulation/walk.hpp"

#include <algorithm>
#include <cmath>

#include "simulation/orders.hpp"

namespace lodestone::simulation {
namespace {

constexpr int kMostSteps = 40;

/// A visit under way.
class Walker {
 public:
  Walker(WalkContext& context, Rng& rng, const Visitor& visitor, std::uint64_t visit, Seconds start)
      : context_(context), rng_(rng), visitor_(visitor), visit_(visit), at_(start) {
    result_.last_action = start;
    const double u = rng_.uniform();
    cluster_ = visitor_.taste[u < kTasteShares[0] ? 0 : u < kTasteShares[0] + kTasteShares[1] ? 1 : 2];
  }

  VisitResult run();
  VisitResult run_crawl(std::uint64_t n_pages);

 private:
  void enter();
  [[nodiscard]] std::uint32_t choose();
  void act(ActionRow row);
  void click(std::uint32_t item);
  void view(std::uint32_t item);
  void react(std::uint32_t item);
  void buy(std::uint32_t item);
  void convert(std::uint32_t item, Page page, int goal, std::uint64_t order_key, std::int64_t cents);
  [[nodiscard]] bool alive() const { return at_ < context_.end; }
  [[nodiscard]] double price_match(std::uint32_t item) const;

  WalkContext& context_;
  Rng& rng_;
  const Visitor& visitor_;
  std::uint64_t visit_;
  Seconds at_;
  std::uint32_t cluster_ = 0;
  std::uint32_t item_ = Items::kNoItem;  // on the present page
  ActionId url_ = 0;                     // of the present page
  std::uint32_t page_view_ = 0;
  RequestKey request_{};  // by which the present item was reached
  int position_ = 0;      // of the click that leads to the next page, 0 for none
  std::vector<std::uint32_t> in_cart_;
  VisitResult result_{};
};

void Walker::act(ActionRow row) {
  row.at = at_;
  row.visit = visit_;
  row.visitor = visitor_.id;
  row.page_view = page_view_;
  row.phone = visitor_.phone;
  context_.pending->add(row);
  result_.last_action = std::max(result_.last_action, at_);
  ++result_.n_actions;
}

void Walker::enter() {
  const double way = rng_.uniform();
  ActionRow row;
  if (way < 0.2) {
    row.url = context_.actions->home();
    ++context_.counts->home_pages;
  } else if (way < 0.4) {
    row.url = context_.actions->search_url(cluster_);
    row.name = context_.actions->keyword(cluster_);
    ++context_.counts->searches;
  } else {
    return;
  }
  page_view_ = static_cast<std::uint32_t>(rng_.next());
  url_ = row.url;
  act(row);
  at_ += 3 + static_cast<Seconds>(rng_.exponential(15));
}

std::uint32_t Walker::choose() {
  const double way = rng_.uniform();
  if (way < 0.10) return context_.items->draw(rng_, at_);
  if (way < 0.15) cluster_ = visitor_.taste[rng_.below(kTastes)];
  const bool is_inside = item_ != Items::kNoItem && (*context_.items)[item_].cluster == cluster_;
  return is_inside && way < 0.6 ? context_.items->draw_near(rng_, item_, at_)
                                : context_.items->draw_in_cluster(rng_, cluster_, at_);
}

void Walker::click(std::uint32_t item) {
  LogActions& actions = *context_.actions;
  // Positions 1..10 by 1/p: harmonic sum 2.929, inverted by walking it.
  double mass = rng_.uniform() * 2.9289682;
  for (position_ = 1; position_ < 10 && mass >= 1.0 / position_; ++position_) mass -= 1.0 / position_;
  request_ = {rng_.next(), rng_.next() | 1U};
  ActionRow row;
  row.url = url_;
  row.event_category = actions.event_category();
  row.event_action = actions.event_action();
  row.position = static_cast<std::uint8_t>(position_);
  row.request = request_;
  ++context_.counts->clicks;
  // The older front end has lists on the home page only, and its links carry nothing.
  if (url_ == actions.home() && rng_.chance(0.1)) {
    row.name = actions.card();
    row.click_item = item + 1;
    row.request = {};
    request_ = {};
    position_ = 0;
    ++context_.counts->clicks_by_dimension;
  } else {
    row.name = actions.click_name(item);
  }
  act(row);
  at_ += 1;
}

void Walker::view(std::uint32_t item) {
  LogActions& actions = *context_.actions;
  Counts& counts = *context_.counts;
  const Page page = (*context_.items)[item].has_api && rng_.chance(0.3) ? Page::kApiDetail : Page::kDetail;
  page_view_ = static_cast<std::uint32_t>(rng_.next());
  item_ = item;
  ActionRow row;
  row.name = actions.title(item);
  if (rng_.chance(0.3)) row.sku = actions.sku(item);
  if (position_ != 0) {
    row.url = actions.landing(page, item, request_, position_);
    row.request = request_;
    ++counts.clicks_on_landing;
  } else if (rng_.chance(0.01)) {
    row.url = actions.special();
    row.sku = actions.sku(item);
  } else {
    row.url = actions.page(page, item);
  }
  ++(row.url == actions.special() ? counts.sku_pages : page == Page::kDetail ? counts.detail_pages : counts.api_detail_pages);
  if (visitor_.logged_in) ++counts.views_by_account;
  ++(*context_.item_views)[item];
  ++result_.n_views;
  position_ = 0;
  url_ = row.url;
  act(row);
}

void Walker::convert(std::uint32_t item, Page page, int goal, std::uint64_t order_key, std::int64_t cents) {
  ConversionRow row;
  row.at = at_;
  row.visit = visit_;
  row.visitor = visitor_.id;
  row.url = url_;
  row.page = page;
  row.item = item;
  row.goal = goal;
  // Unique within the visit, which is what the key of the table wants.
  row.buster = static_cast<std::uint32_t>(rng_.below(1U << 20U) * 1024 + result_.n_actions * 8 + static_cast<unsigned>(goal + 1));
  row.order_key = order_key;
  row.cents = cents;
  row.request = request_;
  row.phone = visitor_.phone;
  context_.pending->add(row);
  result_.last_action = std::max(result_.last_action, at_);
}

double Walker::price_match(std::uint32_t item) const {
  const std::int32_t cents = (*context_.items)[item].cents;
  if (cents == 0) return 0.8;
  const double distance = std::log(cents / 100.0) - static_cast<double>(visitor_.log_price);
  return std::exp(-0.5 * distance * distance);
}

void Walker::react(std::uint32_t item) {
  const bool is_taste =
      std::find(visitor_.taste.begin(), visitor_.taste.end(), (*context_.items)[item].cluster) != visitor_.taste.end();
  const double wish = price_match(item) * (is_taste ? 1.0 : 0.3);
  const bool downloads = rng_.chance(0.02);
  const bool carts = rng_.chance(0.06 * wish);
  const bool buys = rng_.chance(0.12 * wish) && visitor_.logged_in;
  if (downloads) {
    at_ += 2;
    if (!alive()) return;
    convert(item, Page::kDetail, 1, 0, 0);
    ++context_.counts->goal_conversions;
  }
  if (carts && std::find(in_cart_.begin(), in_cart_.end(), item) == in_cart_.end()) {
    at_ += 4;
    if (!alive()) return;
    in_cart_.push_back(item);
    convert(item, Page::kDetail, -1, 0, (*context_.items)[item].cents);
    ++context_.counts->cart_updates;
  }
  if (buys) buy(item);
}

void Walker::buy(std::uint32_t item) {
  at_ += 5 + static_cast<Seconds>(rng_.exponential(30));
  if (!alive()) return;
  ActionRow row;
  page_view_ = static_cast<std::uint32_t>(rng_.next());
  url_ = row.url = context_.actions->page(Page::kPayment, item);
  ++context_.counts->payment_pages;
  act(row);
  const OrderRow order = make_order(rng_, (*context_.items)[item], item, visitor_.user, ++context_.n_orders, at_, context_.end);
  context_.pending->add(order);
  count_order(order, order.is_api ? context_.counts->api_orders : context_.counts->orders);
  if (is_purchase(order)) ++(*context_.item_sales)[item];
  if (!order.has_conversion) return;
  at_ = order.paid;
  convert(item, Page::kPayment, 0, order.key, order.cents);
  ++context_.counts->order_conversions;
  if (request_.is_set()) ++context_.counts->attributed_orders;
}

VisitResult Walker::run() {
  enter();
  const int n_steps = 1 + std::min(kMostSteps, static_cast<int>(rng_.exponential(2.8)));
  for (int step = 0; step < n_steps && alive(); ++step) {
    const std::uint32_t next = choose();
    if (next == Items::kNoItem) continue;
    request_ = {};
    const bool from_list = url_ == context_.actions->home() ? rng_.chance(0.5) : item_ != Items::kNoItem && rng_.chance(0.22);
    if (from_list) click(next);
    if (!alive()) break;
    view(next);
    react(next);
    at_ += 4 + static_cast<Seconds>(rng_.exponential(45));
  }
  if (result_.n_actions == 0) {
    // Nothing of what this visitor likes is on sale: the home page is all there is to see.
    ActionRow row;
    row.url = context_.actions->home();
    ++context_.counts->home_pages;
    act(row);
  }
  return result_;
}

VisitResult Walker::run_crawl(std::uint64_t n_pages) {
  std::uint64_t item = rng_.below(context_.items->size());
  for (std::uint64_t page = 0; page < n_pages && alive(); ++page) {
    ActionRow row;
    const auto number = static_cast<std::uint32_t>(item);
    item = (item + 1) % context_.items->size();
    if (!context_.items->on_sale(number, at_)) continue;
    page_view_ = static_cast<std::uint32_t>(rng_.next());
    row.url = context_.actions->page(Page::kDetail, number);
    ++context_.counts->detail_pages;
    ++context_.counts->views_by_bot;
    ++result_.n_views;
    act(row);
    at_ += 8 + static_cast<Seconds>(rng_.below(5));
  }
  return result_;
}

}  // namespace

VisitResult walk(WalkContext& context, Rng& rng, const Visitor& visitor, std::uint64_t visit, Seconds start) {
  return Walker(context, rng, visitor, visit, start).run();
}

VisitResult crawl(WalkContext& context, Rng& rng, const Visitor& visitor, std::uint64_t visit, Seconds start,
                  std::uint64_t n_pages) {
  return Walker(context, rng, visitor, visit, start).run_crawl(n_pages);
}

}  // namespace lodestone::simulation
