#include "config_keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

namespace lodestone::app {
namespace {

ConfigEntry effective(const std::string& path, const std::map<std::string, std::string>& environment) {
  const Config config = Config::load(config_keys(), std::nullopt, [&](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
  const auto& all = config.entries();
  return *std::find_if(all.begin(), all.end(), [&](const ConfigEntry& entry) { return entry.path == path; });
}

TEST(ConfigKeys, the_pool_is_set_by_its_well_known_variables_too) {
  EXPECT_EQ(effective("source.pool_size", {}).values.front(), "10");
  EXPECT_EQ(effective("source.pool_max_overflow", {{"DB_MAX_OVERFLOW", "7"}}).values.front(), "7");
  EXPECT_EQ(effective("source.pool_recycle_seconds", {{"DB_POOL_RECYCLE", "60"}}).values.front(), "60");
  const ConfigEntry size = effective("source.pool_size", {{"DB_POOL_SIZE", "3"}});
  EXPECT_EQ(size.values.front(), "3");
  EXPECT_EQ(size.origin, "environment DB_POOL_SIZE");
}

TEST(ConfigKeys, our_own_variable_wins_over_the_well_known_one) {
  const ConfigEntry size = effective("source.pool_size", {{"DB_POOL_SIZE", "3"}, {"LODESTONE_SOURCE_POOL_SIZE", "4"}});
  EXPECT_EQ(size.values.front(), "4");
  EXPECT_EQ(size.origin, "environment LODESTONE_SOURCE_POOL_SIZE");
}

}  // namespace
}  // namespace lodestone::app
