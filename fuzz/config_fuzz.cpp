// Arbitrary bytes as a lodestone.yaml over the program's own table of keys: read whole, or refused with a sentence. What is taken can be
// used, and written as a new file it reads back as the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "apps/lodestone/config_keys.hpp"
#include "base/error.hpp"

namespace {

using namespace lodestone;

std::optional<std::string> no_environment(const std::string&) { return std::nullopt; }

/// Reads each value as its kind; the accessors end the program when one is not what the table says.
void use(const Config& config) {
  for (const ConfigKey& key : app::config_keys()) {
    if (key.kind == ConfigKind::kInteger || key.kind == ConfigKind::kNumber) {
      const std::optional<double> value = config.find_number(key.path);
      if (!value && key.choices.empty()) std::abort();
      if (value && !(*value >= key.min && *value <= key.max)) std::abort();
    } else if (key.kind == ConfigKind::kPath) {
      (void)config.file_path(key.path);
    } else if (key.kind == ConfigKind::kTexts) {
      (void)config.texts(key.path);
    } else {
      (void)config.text(key.path);
    }
  }
}

/// The values as format_config_file() takes them. False when a list holds what its form, parted by commas, cannot carry.
bool values_of(const Config& config, std::map<std::string, std::string>& values) {
  for (const ConfigKey& key : app::config_keys()) {
    if (key.kind != ConfigKind::kTexts) {
      values[key.path] = config.text(key.path);
      continue;
    }
    std::string joined;
    for (const std::string& text : config.texts(key.path)) {
      if (text.empty() || text.find(',') != std::string::npos || text.front() == ' ' || text.back() == ' ') return false;
      joined += (joined.empty() ? "" : ",") + text;
    }
    values[key.path] = joined;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const Config config = Config::parse(app::config_keys(), text, "site/lodestone.yaml", no_environment);
    use(config);
    std::map<std::string, std::string> values;
    if (!values_of(config, values)) return 0;
    const std::string written = format_config_file(app::config_keys(), values);
    if (Config::parse(app::config_keys(), written, "site/lodestone.yaml", no_environment).hash() != config.hash()) std::abort();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument || error.message().empty()) std::abort();
  }
  return 0;
}
