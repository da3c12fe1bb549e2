// lodestone config: effective values and where each came from; and the documents made from the table of keys.

#include <fmt/format.h>

#include <cstdio>

#include "base/address.hpp"
#include "base/json.hpp"
#include "config_keys.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

/// A login in an address stays where it came from.
std::string shown_value(const std::string& value) {
  return value.find("://") == std::string::npos ? value : shown_address(value);
}

}  // namespace

int run_config(const Globals& globals, const ConfigArguments& arguments) {
  if (arguments.markdown) {
    std::fputs(format_config_document(config_keys()).c_str(), stdout);
    return 0;
  }
  if (arguments.defaults) {
    std::fputs(format_config_file(config_keys(), {}).c_str(), stdout);
    return 0;
  }
  const Config config = load_config(globals);
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (const ConfigEntry& entry : config.entries()) {
    std::string value;
    for (const std::string& one : entry.values) value.append(value.empty() ? "" : ", ").append(shown_value(one));
    rows.push_back({entry.path, value, entry.origin});
    json::Value row;
    row.set("key", json::Value(entry.path));
    row.set("value", json::Value(value));
    row.set("origin", json::Value(entry.origin));
    documents.push_back(std::move(row));
  }
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 2));
  } else {
    print_table({"key", "value", "origin"}, rows);
  }
  return 0;
}

}  // namespace lodestone::app
