#include "simulation/population.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simulation/companies.hpp"
#include "simulation/streams.hpp"
#include "simulation/vocabulary.hpp"

namespace lodestone::simulation {
namespace {

constexpr Seconds kDay = 86'400;

std::uint32_t draw_province(Rng& rng) {
  static const WeightedChoice choice = [] {
    std::vector<double> weights;
    for (const Province& province : provinces()) weights.push_back(province.weight);
    return WeightedChoice(weights);
  }();
  return choice.draw(rng);
}

std::uint32_t draw_city(Rng& rng, std::uint32_t province) {
  return static_cast<std::uint32_t>(rng.below(provinces()[province].cities.size()));
}

}  // namespace

Population::Population(const SimulationOptions& options, const Items& items)
    : seed_(options.seed), items_(&items), users_(static_cast<std::size_t>(options.users)) {
  const Seconds end = std::chrono::floor<std::chrono::seconds>(options.end).time_since_epoch().count();
  const Seconds start = end - options.days * kDay;
  Rng rng(seed_, stream::kUsers);
  std::vector<Seconds> births(users_.size());
  for (Seconds& born : births) {
    born = rng.chance(0.25) ? start + static_cast<Seconds>(rng.below(static_cast<std::uint64_t>(end - start)))
                            : start - 1 - static_cast<Seconds>(rng.exponential(300.0 * kDay));
  }
  std::sort(births.begin(), births.end());
  for (std::size_t i = 0; i < users_.size(); ++i) {
    User& user = users_[i];
    user.created = births[i];
    user.taste = draw_taste(rng);
    user.log_price = static_cast<float>(0.47 + 0.9 * rng.normal());
    user.province = draw_province(rng);
    user.city = draw_city(rng, user.province);
    // Seven in ten work where their strongest taste is the trade.
    user.topic = static_cast<std::uint32_t>(rng.chance(0.7) ? Items::topic(user.taste[0]) : rng.below(topics().size()));
    user.has_phone = rng.chance(0.3);
    user.shares_browser = i > 0 && !users_[i - 1].shares_browser && rng.chance(0.01);
  }
  Rng activity(seed_, stream::kActivity);
  activity_ = WeightedChoice(zipf_weights(users_.size(), 0.7, activity));
}

Taste Population::draw_taste(Rng& rng) const {
  Taste taste;
  for (std::uint32_t& cluster : taste) cluster = items_->draw_cluster(rng);
  return taste;
}

std::uint64_t Population::browser_id(std::uint32_t browser) const { return Rng(seed_ ^ stream::kVisitorIds, browser).next(); }

std::uint32_t Population::browser_of(std::size_t user, bool phone) const {
  if (phone) return static_cast<std::uint32_t>(2 * user + 1);
  return static_cast<std::uint32_t>(2 * (users_[user].shares_browser ? user - 1 : user));
}

Visitor Population::as_visitor(Rng& rng, std::uint32_t user, Seconds at) const {
  const User& who = users_[user];
  Visitor visitor;
  visitor.kind = VisitorKind::kUser;
  visitor.user = user;
  visitor.phone = who.has_phone && rng.chance(0.35);
  visitor.browser = browser_of(user, visitor.phone);
  visitor.id = browser_id(visitor.browser);
  visitor.logged_in = rng.chance(0.8) && at >= who.created;
  visitor.taste = who.taste;
  visitor.log_price = who.log_price;
  visitor.province = who.province;
  visitor.city = who.city;
  return visitor;
}

Visitor Population::guest(std::uint64_t i) const {
  Rng rng(seed_, stream::kGuests + i);
  Visitor visitor;
  visitor.id = rng.next();
  visitor.taste = draw_taste(rng);
  visitor.log_price = static_cast<float>(0.47 + 0.9 * rng.normal());
  visitor.province = draw_province(rng);
  visitor.city = draw_city(rng, visitor.province);
  visitor.phone = rng.chance(0.5);
  return visitor;
}

Visitor Population::bot(std::size_t i) const {
  Visitor visitor = guest(n_guests() + i);
  visitor.kind = VisitorKind::kBot;
  visitor.phone = false;
  return visitor;
}

Visitor Population::draw(Rng& rng, Seconds at) const {
  if (rng.chance(0.65)) {
    const std::uint32_t user = activity_.draw(rng);
    if (at >= users_[user].created - 14 * kDay) return as_visitor(rng, user, at);
  }
  return guest(rng.below(n_guests()));
}

void Population::write(std::uint64_t seed, Seconds end, const std::vector<Seconds>& last_login, TableWriter& out) const {
  for (std::size_t i = 0; i < users_.size(); ++i) {
    const User& user = users_[i];
    Rng rng(seed, stream::kUserTexts + i);
    const auto id = static_cast<std::int64_t>(i + 1);
    const double odd = rng.uniform();
    std::string name = fmt::format("user{:06}", id);
    if (odd < 0.01) name = fmt::format("O'Brien \"Bob\" \\ {}", id);
    if (odd > 0.99) name = fmt::format("小明😀&amp;{}", id);
    if (odd > 0.4 && odd < 0.6) name = fmt::format("用户{}", id);
    const bool has_company = rng.chance(0.9);
    const auto role = rng.chance(0.9) ? "buyer" : "seller";
    out.integer(id).text(name);
    if (has_company) {
      out.integer(company_id(user.province, user.topic)).text(company_name(user.province, user.topic));
    } else {
      out.null().null();
    }
    out.text(role);
    if (rng.chance(0.95)) {
      const Province& province = provinces()[user.province];
      out.text(province.name.zh).text(province.cities[user.city]);
    } else {
      out.null().null();
    }
    out.integer(rng.chance(0.85) ? 1 : 0).integer(rng.chance(0.98) ? 1 : 0).shanghai(user.created);
    last_login[i] == 0 ? out.null() : out.shanghai(last_login[i]);
    const Seconds span = std::max<Seconds>(1, end - user.created);
    const Seconds modified =
        rng.chance(0.2) ? user.created + static_cast<Seconds>(rng.below(static_cast<std::uint64_t>(span))) : user.created;
    out.shanghai(modified).end_row();
  }
}

}  // namespace lodestone::simulation
