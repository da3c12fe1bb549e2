#pragma once
// Limits of a listener. All are finite; what passes one is refused with the status named.

#include <chrono>
#include <cstddef>

namespace lodestone::http {

struct Limits {
  std::size_t header_bytes = 8 * 1024;               ///< request line apart, all fields together: 431
  std::size_t target_bytes = 4 * 1024;               ///< 414
  std::size_t body_bytes = 1024 * 1024;              ///< 413
  std::size_t connections = 10'000;                  ///< of the whole listener; one more gets 503 with Retry-After
  std::size_t pipelined = 64;                        ///< answers collected before they are written
  std::chrono::milliseconds header_timeout{10'000};  ///< first byte of a request to the end of its header: 408
  std::chrono::milliseconds body_timeout{30'000};    ///< end of the header to the end of the body: 408
  std::chrono::milliseconds idle_timeout{75'000};    ///< between requests: closed
  std::chrono::milliseconds write_timeout{30'000};   ///< one write: closed
  std::chrono::milliseconds queue_delay{0};          ///< a thread that is later by this sheds load (shedder.hpp): 503; 0 = never
};

}  // namespace lodestone::http
