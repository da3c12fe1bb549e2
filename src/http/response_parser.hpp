#pragma once
// Answers of HTTP/1.1 servers, read as the bytes come in (RFC 9112): status and body, by length, in chunks or to the end of the
// connection. Bounded: whoever answers need not be what we took it for.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lodestone::http {

/// One answer; begin() for the next.
class ResponseParser {
 public:
  struct Limits {
    std::size_t head_bytes = 16 * 1024;
    std::size_t body_bytes = 1024 * 1024;
  };
  ResponseParser() = default;
  explicit ResponseParser(const Limits& limits) : limits_(limits) {}

  enum class State { kNeedMore, kDone, kBroken };
  /// Takes all of `bytes`; more than one answer is broken, as we ask for one at a time.
  State feed(std::string_view bytes);
  /// The other side has closed: that ends a body without a length.
  State end();
  void begin();

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& body() const { return body_; }
  /// Whether the connection may be used for the next request. After kDone.
  [[nodiscard]] bool keeps_alive() const { return keep_alive_; }
  /// Whether any byte of the answer has come.
  [[nodiscard]] bool has_started() const { return has_started_; }
  /// After kBroken: what is wrong.
  [[nodiscard]] std::string_view problem() const { return problem_; }

 private:
  enum class Part { kStatus, kField, kSized, kToEnd, kChunkSize, kChunk, kChunkEnd, kTrailer, kDone, kBroken };
  State broken(std::string_view problem);
  bool take_line(std::string_view& bytes);
  bool read_line();
  bool read_status();
  bool read_field();
  bool begin_body();
  bool read_chunk_size();
  bool take_body(std::string_view& bytes);

  Limits limits_;
  Part part_ = Part::kStatus;
  std::string line_;
  std::size_t head_bytes_ = 0;
  std::string body_;
  std::size_t left_ = 0;  ///< of the body or the chunk
  int status_ = 0;
  bool keep_alive_ = true;
  bool has_length_ = false;
  bool is_chunked_ = false;
  bool has_started_ = false;
  std::string_view problem_;
};

}  // namespace lodestone::http
