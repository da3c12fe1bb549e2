#include "simulation/season.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace lodestone::simulation {
namespace {

constexpr Seconds kHour = 3600;
constexpr std::array<double, 24> kHours = {0.25, 0.15, 0.10, 0.08, 0.08, 0.12, 0.25, 0.50, 0.95, 1.50, 1.75, 1.60,
                                           1.05, 1.20, 1.65, 1.75, 1.60, 1.30, 0.90, 0.95, 1.10, 1.05, 0.80, 0.45};

}  // namespace

double hour_weight(Seconds at, Seconds start, Seconds end) {
  const std::chrono::sys_seconds local{std::chrono::seconds{at + kShanghaiOffset}};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const auto hour = static_cast<std::size_t>(std::chrono::duration_cast<std::chrono::hours>(local - day).count());
  const std::chrono::weekday weekday{day};
  const bool is_weekend = weekday == std::chrono::Saturday || weekday == std::chrono::Sunday;
  const double trend = 1.0 + 0.3 * static_cast<double>(at - start) / static_cast<double>(end - start);
  return kHours[hour] * (is_weekend ? 0.55 : 1.0) * trend;
}

std::vector<double> cumulative_shares(Seconds start, Seconds end) {
  std::vector<double> shares;
  double sum = 0;
  for (Seconds at = start; at < end; at += kHour) {
    const Seconds length = std::min(kHour, end - at);
    sum += hour_weight(at, start, end) * static_cast<double>(length) / static_cast<double>(kHour);
    shares.push_back(sum);
  }
  for (double& share : shares) share /= sum;
  return shares;
}

}  // namespace lodestone::simulation
