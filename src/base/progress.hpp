#pragma once
// Progress of long work on stderr: "extract order_tab: 1.2 M rows, 430 k/s, 48 %, 12 s left", redrawn in place twice a second on a
// terminal and written as a log line every 10 s elsewhere.

#include <chrono>
#include <cstdint>
#include <string>

namespace lodestone {

/// One thread.
class Progress {
 public:
  /// `total` rows expected, 0 when nobody knows (then no percentage and no time left).
  Progress(std::string what, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Work that is done in pieces: what at() says from now on comes on top of `rows`, and the total stays that of the whole.
  void begin_at(std::uint64_t rows) {
    begin_ = rows;
    is_in_pieces_ = true;
  }
  /// Sets the rows done so far, and how many are expected now (0: nobody knows); cheap enough to call for every batch.
  void at(std::uint64_t rows, std::uint64_t total);

 private:
  void draw(std::chrono::steady_clock::time_point now);

  std::string what_;
  std::uint64_t total_;
  std::uint64_t begin_ = 0;
  bool is_in_pieces_ = false;
  std::uint64_t rows_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
  bool terminal_;
  bool any_ = false;
};

/// "950", "12.3 k", "4.56 M": a count for people.
std::string format_count(double n);

/// The line that Progress shows; separate so that it can be tested.
std::string format_progress(const std::string& what, std::uint64_t rows, std::uint64_t total, double seconds);

}  // namespace lodestone
