#pragma once
// Digests: SHA-256 for what must be trusted (manifests, buckets), XXH3 for what must be fast.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lodestone {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of a text.
Sha256Digest sha256(std::string_view bytes);

/// Lower-case hexadecimal.
std::string to_hex(std::span<const std::uint8_t> bytes);
std::string sha256_hex(std::string_view bytes);

/// First 8 bytes of SHA-256, big endian, as the data set protocols and experiment buckets want them.
std::uint64_t sha256_prefix(std::string_view bytes);

/// XXH3, 64 bits.
std::uint64_t xxh3(std::string_view bytes, std::uint64_t seed = 0);

/// SHA-256 of a stream of pieces. Not copyable; one thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  [[nodiscard]] Sha256Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace lodestone
