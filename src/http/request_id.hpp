#pragma once
// Request ids: "req_" and 8 to 64 letters, digits and dashes.

#include <string>
#include <string_view>

#include "base/rng.hpp"

namespace lodestone::http {

/// ^req_[A-Za-z0-9-]{8,64}$
bool is_request_id(std::string_view text);

/// 64 bits from the operating system.
std::uint64_t system_seed();

/// Makes "req_<UUID version 4>" (RFC 9562). One thread; seeded by the operating system. The ids are unique, not secret.
class RequestIds {
 public:
  RequestIds();
  /// Replaces `out`.
  void make(std::string& out);

 private:
  Rng rng_;
};

}  // namespace lodestone::http
