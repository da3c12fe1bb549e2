#pragma once
// The process log: one line an event on stderr, "2026-11-24T09:30:00Z info serving: text". Data goes to stdout, never here.
// Safe from many threads.

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace lodestone {

enum class LogLevel : int { kDebug = 0, kInfo = 1, kWarn = 2, kError = 3, kOff = 4 };

/// Lines below `level` are dropped. The default is info.
void set_log_level(LogLevel level);
/// Reads "debug", "info", "warn", "error" or "off"; throws invalid_argument naming the value and the choices.
LogLevel parse_log_level(std::string_view text);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view topic, std::string_view text);

/// `topic` is the folder that speaks.
template <typename... Args>
void log(LogLevel level, std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_line(level, topic, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_info(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::kInfo, topic, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warn(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::kWarn, topic, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::kError, topic, format, std::forward<Args>(args)...);
}

}  // namespace lodestone
