#include "app.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/error.hpp"
#include "base/log.hpp"
#include "config_keys.hpp"

namespace lodestone::app {
namespace {

/// Columns a terminal needs for the text: one a code point, two for the wide CJK blocks.
std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if ((c & 0xC0U) == 0x80U) continue;
    width += c >= 0xE3 && c <= 0xED ? 2 : 1;
  }
  return width;
}

bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.,-+%eE") == std::string::npos &&
         cell.find_first_of("0123456789") != std::string::npos;
}

}  // namespace

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Config load_config(const Globals& globals) {
  std::optional<fs::path> file = globals.config_file;
  if (!file && fs::exists("lodestone.yaml")) file = "lodestone.yaml";
  Config config = Config::load(config_keys(), file, environment);
  set_log_level(parse_log_level(config.text("log.level")));
  return config;
}

std::string password_of(const Config& config, const std::string& key) {
  const fs::path file = config.file_path(key + "_password_file");
  if (file.empty()) {
    std::string variable = "LODESTONE_";
    for (const char c : key) variable += c == '.' ? '_' : static_cast<char>(c - 'a' + 'A');
    return environment(variable + "_PASSWORD").value_or("");
  }
  std::string text = read_file(file);
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
    fail(ErrorCode::kInvalidArgument, "{}: the password file can be read by everybody; run chmod 600 {}", file.string(),
         file.string());
  }
  return text.substr(0, text.find_first_of("\r\n"));
}

void print_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<char> right(header.size(), 1);
  for (const std::string& name : header) widths.push_back(display_width(name));
  for (const auto& row : rows) {
    LODESTONE_ASSERT(row.size() == header.size(), "{} cells under {} names", row.size(), header.size());
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], display_width(row[c]));
      if (!row[c].empty() && !is_number(row[c])) right[c] = 0;
    }
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(widths[c] - display_width(row[c]), ' ');
      if (c > 0) line += "  ";
      line += right[c] != 0 ? pad + row[c] : row[c] + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::fputs((line + "\n").c_str(), stdout);
  };
  print(header);
  for (const auto& row : rows) print(row);
}

void print_json(const std::string& document) {
  std::fputs(document.c_str(), stdout);
  std::fputc('\n', stdout);
}

}  // namespace lodestone::app
