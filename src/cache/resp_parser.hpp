#pragma once
// Replies of Redis (RESP2, redis.io/docs/reference/protocol-spec), read as the bytes come in. Bounded in depth, in elements and in bytes:
// whoever answers on that port need not be a Redis.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::cache {

struct RespValue {
  enum class Kind : std::uint8_t { kNull, kText, kError, kInteger, kArray };
  Kind kind = Kind::kNull;
  std::string text;          ///< of kText (a simple or a bulk string) and kError
  std::int64_t integer = 0;  ///< of kInteger
  std::vector<RespValue> items;
};

/// One reply after the other. Once it is broken it stays so: the place of the next reply is lost.
class RespParser {
 public:
  struct Limits {
    std::size_t depth = 8;
    std::size_t values = 1'000'000;                     ///< of one reply, all levels together
    std::size_t bytes = std::size_t{16} * 1024 * 1024;  ///< of one reply's texts
    std::size_t line_bytes = 64 * 1024;
  };
  RespParser() = default;
  explicit RespParser(const Limits& limits) : limits_(limits) {}

  enum class State { kNeedMore, kValue, kBroken };
  struct Fed {
    State state = State::kNeedMore;
    std::size_t consumed = 0;
  };
  /// Reads up to the end of the next reply.
  Fed feed(std::string_view bytes);
  /// The reply after kValue; once.
  [[nodiscard]] RespValue take() { return std::move(value_); }
  /// After kBroken: what is wrong.
  [[nodiscard]] std::string_view problem() const { return problem_; }
  /// After kBroken: it may be a reply of Redis, but passes the limits.
  [[nodiscard]] bool is_too_large() const { return is_too_large_; }

 private:
  struct Frame {
    RespValue array;
    std::size_t left = 0;
  };
  State read_line();
  State begin_bulk(std::int64_t n);
  State begin_array(std::int64_t n);
  State add(RespValue value);
  State broken(std::string_view problem);
  State too_large(std::string_view problem);

  Limits limits_;
  std::string line_;
  std::string bulk_;
  std::size_t bulk_left_ = 0;  ///< bytes of it and its line end that have not come
  bool is_in_bulk_ = false;
  std::vector<Frame> stack_;
  std::size_t n_values_ = 0;
  std::size_t n_bytes_ = 0;
  RespValue value_;
  std::string_view problem_;
  bool is_too_large_ = false;
};

}  // namespace lodestone::cache
