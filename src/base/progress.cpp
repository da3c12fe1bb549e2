#include "base/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/log.hpp"

namespace lodestone {
namespace {

using std::chrono::steady_clock;

double seconds_between(steady_clock::time_point a, steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

std::string format_count(double n) {
  if (n < 1000) return fmt::format("{:.0f}", n);
  if (n < 1e6) return fmt::format("{:.1f} k", n / 1e3);
  return fmt::format("{:.2f} M", n / 1e6);
}

std::string format_progress(const std::string& what, std::uint64_t rows, std::uint64_t total, double seconds) {
  const auto done = static_cast<double>(rows);
  const double rate = seconds > 0 ? done / seconds : 0;
  std::string line = fmt::format("{}: {} rows, {}/s", what, format_count(done), format_count(rate));
  if (total > 0) {
    // The total is an estimate of the source, so it may be passed.
    const double share = std::min(1.0, done / static_cast<double>(total));
    line += fmt::format(", {:.0f} %", share * 100);
    if (rate > 0) line += fmt::format(", {:.0f} s left", std::max(0.0, static_cast<double>(total) - done) / rate);
  }
  return line;
}

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(total),
      start_(steady_clock::now()),
      drawn_(start_),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (terminal_ && any_) std::fputs("\r\033[K", stderr);
}

void Progress::at(std::uint64_t rows, std::uint64_t total) {
  rows_ = begin_ + rows;
  if (!is_in_pieces_) total_ = total;
  const auto now = steady_clock::now();
  if (seconds_between(drawn_, now) >= (terminal_ ? 0.5 : 10.0)) draw(now);
}

void Progress::draw(steady_clock::time_point now) {
  drawn_ = now;
  any_ = true;
  const std::string line = format_progress(what_, rows_, total_, seconds_between(start_, now));
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
  } else {
    log_info("progress", "{}", line);
  }
}

}  // namespace lodestone
