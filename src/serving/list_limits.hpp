#pragma once
// What a request for lists may ask for.

#include <cstddef>
#include <cstdint>

namespace lodestone::serving {

inline constexpr std::int64_t kDefaultLimit = 10;
inline constexpr std::int64_t kMaxLimit = 50;
inline constexpr std::int64_t kDefaultTrending = 20;
inline constexpr std::int64_t kMaxTrending = 100;
inline constexpr std::size_t kMaxExcluded = 1'000;
inline constexpr std::size_t kMaxQueryBytes = 200;
inline constexpr std::size_t kMaxVisitorBytes = 64;

}  // namespace lodestone::serving
