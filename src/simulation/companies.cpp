#include "simulation/companies.hpp"

#include <fmt/format.h>

#include <set>

#include "simulation/streams.hpp"
#include "simulation/vocabulary.hpp"

namespace lodestone::simulation {

std::string company_name(std::size_t province, std::size_t topic) {
  return fmt::format("{}{}科技有限公司", provinces()[province].name.zh, topics()[topic].name.zh);
}

std::int64_t company_id(std::size_t province, std::size_t topic) {
  return static_cast<std::int64_t>(province * topics().size() + topic + 1);
}

void write_companies(const Items& items, std::uint64_t seed, Seconds start, TableWriter& out) {
  Rng rng(seed, stream::kCompanies);
  const auto founded = [&] { return start - static_cast<Seconds>(rng.exponential(900.0 * 86'400)); };
  std::set<std::string> names;
  for (std::size_t province = 0; province < provinces().size(); ++province) {
    for (std::size_t topic = 0; topic < topics().size(); ++topic) {
      const std::string name = company_name(province, topic);
      names.insert(name);
      std::string industry(topics()[topic].industry);
      if (rng.chance(0.3)) industry += fmt::format(";{}", topics()[rng.below(topics().size())].industry);
      if (rng.chance(0.05)) industry.clear();
      out.integer(company_id(province, topic)).text(name).text_or_null(industry).shanghai(founded()).end_row();
    }
  }
  auto id = static_cast<std::int64_t>(names.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string owner = items.text(i).company;
    if (owner.empty() || !names.insert(owner).second) continue;
    const std::string_view industry = topics()[Items::topic(items[i].cluster)].industry;
    out.integer(++id).text(owner).text(industry).shanghai(founded()).end_row();
  }
}

}  // namespace lodestone::simulation
