// lodestone init: a folder that works for a source: config, folders, admin token.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <random>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/nearest.hpp"
#include "config_keys.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

constexpr const char* kFolderKeys[] = {"lake.folder", "bundle.folder", "pipeline.temp_folder"};

/// 32 bytes from the system's generator, in hexadecimal.
std::string make_token() {
  std::random_device device;
  std::array<std::uint8_t, 32> bytes{};
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(device());
  return to_hex(bytes);
}

void write_token(const fs::path& path) {
  if (fs::exists(path)) return;  // a token in use is not changed under a running server
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::string text = make_token() + "\n";
  const bool good = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) ::close(fd);
  if (!good) fail(ErrorCode::kUnavailable, "{}: the admin token cannot be written", path.string());
}

void check_source(const std::string& option, const std::string& source) {
  if (source.empty() || source.starts_with("files:") || source.starts_with("mysql://")) return;
  fail(ErrorCode::kInvalidArgument, "{} \"{}\" is neither files:PATH nor mysql://USER@HOST:PORT/DB", option,
       shown_address(source));
}

/// files:data/x given in the current folder must be found from the config's folder.
std::string resolve(const std::string& source) {
  if (!source.starts_with("files:")) return source;
  return "files:" + fs::absolute(source.substr(6)).lexically_normal().string();
}

void add_settings(const std::vector<std::string>& settings, std::map<std::string, std::string>& values) {
  std::vector<std::string> names;
  for (const ConfigKey& key : config_keys()) names.push_back(key.path);
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    const std::string name = setting.substr(0, equals);
    if (equals == std::string::npos) fail(ErrorCode::kInvalidArgument, "--set \"{}\" is not SECTION.KEY=VALUE", setting);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      fail(ErrorCode::kInvalidArgument, "--set: unknown key {}{}", name, suggest(name, names));
    }
    values[name] = setting.substr(equals + 1);
  }
}

}  // namespace

int run_init(const Globals& globals, const InitArguments& arguments) {
  check_source("--source", arguments.source);
  check_source("--matomo", arguments.matomo);
  const fs::path file = arguments.folder / "lodestone.yaml";
  if (fs::exists(file) && !arguments.overwrite) {
    fail(ErrorCode::kInvalidArgument, "{} is there already; give another folder, or --overwrite to replace it", file.string());
  }
  std::map<std::string, std::string> values;
  if (!arguments.source.empty()) values["source.business"] = resolve(arguments.source);
  if (!arguments.matomo.empty()) values["source.matomo"] = resolve(arguments.matomo);
  add_settings(arguments.settings, values);
  const std::string text = format_config_file(config_keys(), values);
  const Config config =
      Config::parse(config_keys(), text, file, environment);  // a wrong value is found before anything is written
  const fs::path token = config.file_path("serving.admin_token_file");
  if (globals.dry_run) {
    std::printf("would write %s\n", file.c_str());
    for (const char* key : kFolderKeys) std::printf("would make folder %s\n", config.file_path(key).c_str());
    std::printf("would %s %s\n", fs::exists(token) ? "keep the admin token" : "make an admin token in", token.c_str());
    return 0;
  }
  make_folders(arguments.folder);
  write_file_atomic(file, text);
  for (const char* key : kFolderKeys) make_folders(config.file_path(key));
  write_token(token);
  std::printf("%s written; next: lodestone -c %s check, then pipeline run, then serve\n", file.c_str(), file.c_str());
  return 0;
}

}  // namespace lodestone::app
