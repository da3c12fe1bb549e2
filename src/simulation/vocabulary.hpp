#pragma once
// Words of the simulated marketplace, Chinese and English: topics with their terms, provinces with their cities, industries.

#include <span>
#include <string_view>

namespace lodestone::simulation {

/// One thing in both languages.
struct Term {
  std::string_view zh;
  std::string_view en;
};

/// A field of data with eight terms of its own.
struct Topic {
  Term name;
  std::string_view category;  ///< dict.data_value
  std::string_view industry;  ///< company.industry
  std::span<const Term> terms;
};

struct Province {
  Term name;
  std::string_view code;  ///< Matomo's region code, two digits
  std::span<const std::string_view> cities;
  double weight;  ///< share of users, not normalised
};

std::span<const Topic> topics();
std::span<const Province> provinces();

}  // namespace lodestone::simulation
