#pragma once
// Numbers of the random streams: each part of the simulation draws from its own, so that a change in one does not move the others.

#include <cstdint>

namespace lodestone::simulation::stream {

constexpr std::uint64_t kClusters = 1;
constexpr std::uint64_t kItemLives = 2;
constexpr std::uint64_t kPopularity = 3;
constexpr std::uint64_t kCompanies = 4;
constexpr std::uint64_t kUsers = 5;
constexpr std::uint64_t kActivity = 6;
constexpr std::uint64_t kBots = 7;
constexpr std::uint64_t kVisitorIds = 8;
constexpr std::uint64_t kItemRows = 9;
// Ranges of one stream an index.
constexpr std::uint64_t kItemTexts = std::uint64_t{1} << 40U;
constexpr std::uint64_t kUserTexts = std::uint64_t{2} << 40U;
constexpr std::uint64_t kGuests = std::uint64_t{3} << 40U;
constexpr std::uint64_t kHours = std::uint64_t{4} << 40U;

}  // namespace lodestone::simulation::stream
