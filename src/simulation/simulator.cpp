#include "simulation/simulator.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/progress.hpp"
#include "simulation/companies.hpp"
#include "simulation/season.hpp"
#include "simulation/streams.hpp"
#include "simulation/truth.hpp"
#include "simulation/vocabulary.hpp"
#include "simulation/walk.hpp"

namespace lodestone::simulation {
namespace {

constexpr Seconds kHour = 3600;
constexpr Seconds kDay = 24 * kHour;
constexpr double kBotShare = 0.04;  // of all events
constexpr std::uint64_t kBotPagesADay = 2500;
constexpr std::size_t kMostBots = 5;

void check_range(const char* name, std::int64_t value, std::int64_t min, std::int64_t max) {
  if (value >= min && value <= max) return;
  fail(ErrorCode::kInvalidArgument, "simulate: {} is {}; it must be from {} to {}", name, value, min, max);
}

void check(const SimulationOptions& options) {
  if (options.items && !options.catalogues.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "simulate: items is {} and there is a catalogue; a catalogue brings its own items, leave one of the two out",
         *options.items);
  }
  // ids of the business database are int columns, and numbers of items and browsers 32 bits.
  check_range("items", options.items.value_or(1), 1, 100'000'000);
  check_range("users", options.users, 1, 500'000'000);
  check_range("events", options.events, 1, 1'000'000'000'000);
  check_range("days", options.days, 1, 3650);
  check_range("request dimension", options.request_dimension, 1, 5);
  check_range("click dimension", options.effective_click_dimension(), 1, 5);
  if (options.request_dimension == options.effective_click_dimension()) {
    fail(ErrorCode::kInvalidArgument, "simulate: request dimension and click dimension are both {}; they must differ",
         options.request_dimension);
  }
}

/// A visit that begins in the hour under simulation; `bot` is its number, or -1 for people.
struct Start {
  Seconds at = 0;
  int bot = -1;
  std::uint64_t n_pages = 0;
};

class Simulator {
 public:
  Simulator(const SimulationOptions& options, MarketplaceSink& sink);
  SimulationSummary run();

 private:
  void plan_bots();
  void simulate_hour(std::size_t hour, double share);
  [[nodiscard]] std::vector<Start> draw_starts(Rng& rng, Seconds from, Seconds until, double target);
  void visit(Rng& rng, const Start& start);
  void remember(const Visitor& visitor, Seconds at, const VisitResult& result);
  void write_visit(Rng& rng, const Visitor& visitor, Seconds start, const VisitResult& result);
  void write_rest();

  const SimulationOptions& options_;
  MarketplaceSink& sink_;
  Seconds end_;
  Seconds start_;
  Items items_;
  Population population_;
  std::vector<std::unique_ptr<TableWriter>> tables_;
  LogActions actions_;
  Pending pending_;
  Counts counts_;
  std::vector<std::uint32_t> item_views_, item_sales_;
  std::vector<Seconds> last_login_;
  BrowserTruth browsers_;
  WalkContext context_;
  std::vector<Start> bot_starts_;  // by falling time
  std::vector<std::uint64_t> bots_;
  double human_events_ = 0;  // how many are wanted
  std::uint64_t human_actions_ = 0;
  std::uint64_t human_visits_ = 0;
};

std::vector<std::unique_ptr<TableWriter>> make_writers(MarketplaceSink& sink) {
  std::vector<std::unique_ptr<TableWriter>> writers;
  for (std::size_t i = 0; i < kTableCount; ++i) writers.push_back(std::make_unique<TableWriter>(sink, static_cast<Table>(i)));
  return writers;
}

Simulator::Simulator(const SimulationOptions& options, MarketplaceSink& sink)
    : options_(options),
      sink_(sink),
      end_(std::chrono::floor<std::chrono::seconds>(options.end).time_since_epoch().count()),
      start_(end_ - options.days * kDay),
      items_(options),
      population_(options, items_),
      tables_(make_writers(sink)),
      actions_(items_, *tables_[kLogAction]),
      pending_(options, {tables_[kLogLinkVisitAction].get(), tables_[kLogConversion].get(), tables_[kOrderTab].get(),
                         tables_[kApiOrder].get()}),
      item_views_(items_.size()),
      item_sales_(items_.size()),
      last_login_(population_.n_users()),
      context_{&items_, &actions_, &pending_, &counts_, end_, &item_views_, &item_sales_} {
  browsers_.seen_with_account.resize(2 * population_.n_users());
  browsers_.anonymous_views.resize(2 * population_.n_users());
  plan_bots();
}

void Simulator::plan_bots() {
  // Whole bot days of thousands of pages; a small simulation has one of a thousand, a tiny one less.
  const auto n_events = static_cast<std::uint64_t>(options_.events);
  const std::uint64_t budget = std::max(static_cast<std::uint64_t>(kBotShare * static_cast<double>(n_events)),
                                        std::min<std::uint64_t>(1000, n_events / 5));
  const std::uint64_t n_days = std::max<std::uint64_t>(1, budget / kBotPagesADay);
  const std::size_t n_bots = std::min<std::size_t>(kMostBots, n_days);
  for (std::size_t i = 0; i < n_bots; ++i) bots_.push_back(population_.bot(i).id);
  Rng rng(options_.seed, stream::kBots);
  for (std::uint64_t i = 0; i < n_days; ++i) {
    const auto within = static_cast<std::uint64_t>(std::max<Seconds>(1, end_ - start_ - 10 * kHour));
    bot_starts_.push_back({start_ + static_cast<Seconds>(rng.below(within)), static_cast<int>(i % n_bots), budget / n_days});
  }
  std::sort(bot_starts_.begin(), bot_starts_.end(), [](const Start& a, const Start& b) { return a.at > b.at; });
  human_events_ = static_cast<double>(n_events - budget);
}

SimulationSummary Simulator::run() {
  const std::vector<double> shares = cumulative_shares(start_, end_);
  const auto n_expected = static_cast<std::uint64_t>(options_.events);
  Progress progress("simulate", n_expected);
  for (std::size_t hour = 0; hour < shares.size(); ++hour) {
    simulate_hour(hour, shares[hour]);
    progress.at(tables_[kLogLinkVisitAction]->n_rows(), n_expected);
  }
  pending_.flush(end_);
  write_rest();
  SimulationSummary summary;
  summary.counts = counts_;
  for (std::size_t i = 0; i < kTableCount; ++i) {
    tables_[i]->flush();
    summary.rows[i] = tables_[i]->n_rows();
  }
  LODESTONE_ASSERT(summary.rows[kLogLinkVisitAction] == counts_.actions(), "{} rows, {} actions",
                   summary.rows[kLogLinkVisitAction], counts_.actions());
  sink_.finish();
  if (options_.truth) write_truth(*options_.truth, {&options_, &items_, &population_, &summary, &browsers_, bots_});
  return summary;
}

std::vector<Start> Simulator::draw_starts(Rng& rng, Seconds from, Seconds until, double target) {
  // As many visits as the actions still wanted by the end of this hour need, by the mean length of all visits so far.
  const double mean = human_visits_ == 0 ? 5.0 : static_cast<double>(human_actions_) / static_cast<double>(human_visits_);
  const double wanted = (target - static_cast<double>(human_actions_)) / mean;
  const auto n = static_cast<std::uint64_t>(std::max(0.0, std::floor(wanted + rng.uniform())));
  std::vector<Start> starts(n);
  for (Start& start : starts) start.at = from + static_cast<Seconds>(rng.below(static_cast<std::uint64_t>(until - from)));
  for (; !bot_starts_.empty() && bot_starts_.back().at < until; bot_starts_.pop_back()) starts.push_back(bot_starts_.back());
  std::stable_sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) { return a.at < b.at; });
  return starts;
}

void Simulator::simulate_hour(std::size_t hour, double share) {
  Rng rng(options_.seed, stream::kHours + hour);
  const Seconds from = start_ + static_cast<Seconds>(hour) * kHour;
  const Seconds until = std::min(from + kHour, end_);
  for (const Start& start : draw_starts(rng, from, until, human_events_ * share)) visit(rng, start);
  pending_.flush(until);
}

void Simulator::visit(Rng& rng, const Start& start) {
  const std::uint64_t id = ++counts_.visits;
  if (start.bot >= 0) {
    const Visitor bot = population_.bot(static_cast<std::size_t>(start.bot));
    write_visit(rng, bot, start.at, crawl(context_, rng, bot, id, start.at, start.n_pages));
    return;
  }
  const Visitor visitor = population_.draw(rng, start.at);
  const VisitResult result = walk(context_, rng, visitor, id, start.at);
  ++human_visits_;
  human_actions_ += result.n_actions;
  remember(visitor, start.at, result);
  write_visit(rng, visitor, start.at, result);
}

void Simulator::remember(const Visitor& visitor, Seconds at, const VisitResult& result) {
  if (visitor.kind != VisitorKind::kUser) return;
  if (!visitor.logged_in) {
    browsers_.anonymous_views[visitor.browser] += static_cast<std::uint32_t>(result.n_views);
    return;
  }
  ++counts_.visits_with_account;
  last_login_[visitor.user] = at;
  browsers_.seen_with_account[2 * visitor.user + (visitor.phone ? 1U : 0U)] = 1;
}

void Simulator::write_visit(Rng& rng, const Visitor& visitor, Seconds start, const VisitResult& result) {
  const Province& province = provinces()[visitor.province];
  TableWriter& out = *tables_[kLogVisit];
  out.integer(static_cast<std::int64_t>(counts_.visits)).integer(1).visitor(visitor.id).utc(result.last_action);
  visitor.logged_in ? out.text(fmt::format("{}", visitor.user + 1)) : out.null();
  out.utc(start).integer(visitor.phone ? 1 : 0).text("cn");
  if (rng.chance(0.95)) {
    out.text(province.code).text(province.cities[visitor.city]);
  } else {
    out.null().null();
  }
  out.end_row();
}

void Simulator::write_rest() {
  write_items(items_, options_.seed, item_sales_, item_views_,
              {tables_[kDict].get(), tables_[kDataset].get(), tables_[kDatasetImage].get()});
  write_companies(items_, options_.seed, start_, *tables_[kCompany]);
  population_.write(options_.seed, end_, last_login_, *tables_[kUser]);
}

}  // namespace

SimulationSummary simulate(const SimulationOptions& options, MarketplaceSink& sink) {
  check(options);
  return Simulator(options, sink).run();
}

}  // namespace lodestone::simulation
