// lodestone check: config, contracts, disk, the server's files, sources; one line each. Fails on the first class of error, with all its members.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/tls.hpp"
#include "bundle/store.hpp"
#include "lake/contract.hpp"
#include "lake_access.hpp"
#include "matomo.hpp"
#include "release_store.hpp"
#include "serving/channels_file.hpp"
#include "serving/server.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

void good(const std::string& what, const std::string& detail) { std::printf("ok    %-10s %s\n", what.c_str(), detail.c_str()); }

/// Prints every problem of a class and throws if there was one.
void settle(const std::string& what, const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) std::printf("FAIL  %-10s %s\n", what.c_str(), problem.c_str());
  if (!problems.empty()) fail(ErrorCode::kContract, "check: {} of {} found", problems.size(), what + " problems");
}

void check_disk(const Config& config) {
  std::vector<std::string> problems;
  std::vector<std::string> keys = {"lake.folder", "bundle.folder", "pipeline.temp_folder"};
  if (config.flag("serving.exposure_log")) keys.emplace_back("serving.exposure_folder");
  for (const std::string& key : keys) {
    const fs::path folder = config.file_path(key);
    try {
      make_folders(folder);
      write_file_atomic(folder / ".check", "x");
      fs::remove(folder / ".check");
      const double gib = static_cast<double>(fs::space(folder).available) / (1U << 30U);
      good("disk", fmt::format("{} {}: writable, {:.1f} GiB free", key, folder.string(), gib));
    } catch (const Error& error) {
      problems.push_back(fmt::format("{}: {}", key, error.message()));
    }
  }
  settle("disk", problems);
}

/// What `lodestone serve` would start with; where neither file is named there is nothing to say.
void check_tls(const Config& config, TimePoint now) {
  const fs::path certificate = config.file_path("serving.tls_certificate");
  std::vector<std::string> problems;
  try {
    const auto tls = serving::load_tls(certificate, config.file_path("serving.tls_key"));
    if (tls == nullptr) return;
    const TlsContext::Validity validity = tls->validity();
    if (now > validity.end) {
      problems.push_back(fmt::format("{}: has expired at {}; put a renewed certificate there, which a SIGHUP to the server takes",
                                     certificate.string(), format_rfc3339(validity.end)));
    } else if (now < validity.begin) {
      problems.push_back(
          fmt::format("{}: is not good before {}; look at the clock of this machine, or put another certificate there",
                      certificate.string(), format_rfc3339(validity.begin)));
    } else {
      good("tls", fmt::format("{}: good until {}", certificate.string(), format_rfc3339(validity.end)));
    }
  } catch (const Error& error) {
    problems.push_back(error.message());
  }
  settle("tls", problems);
}

/// Who vouches for a Redis that is spoken to over TLS.
void check_redis_trust(const Config& config) {
  const fs::path file = config.file_path("serving.redis_ca_file");
  if (file.empty()) return;
  std::vector<std::string> problems;
  try {
    const TlsTrust trust(file);
    good("redis", fmt::format("serving.redis_ca_file {}: certificates of authorities", file.string()));
  } catch (const Error& error) {
    problems.push_back(fmt::format("serving.redis_ca_file: {}", error.message()));
  }
  settle("redis", problems);
}

void check_channels(const Config& config) {
  const fs::path file = config.file_path("serving.channels_file");
  if (file.empty() || !fs::exists(file)) return;
  std::vector<std::string> problems;
  try {
    const serving::ChannelBook book =
        serving::load_channels(file, std::chrono::milliseconds(config.integer("serving.request_timeout_ms")));
    good("channels", fmt::format("{}: {} channels", file.string(), book.channels.size()));
  } catch (const Error& error) {
    problems.push_back(error.message());
  }
  settle("channels", problems);
}

void check_sources(const Config& config, const lake::Contracts& contracts) {
  std::vector<std::string> problems;
  SourcePools pools;
  for (const std::string& name : source_names(config)) {
    NamedSource named{name, nullptr};
    try {
      named = open_source(config, name, pools);
    } catch (const Error& error) {
      problems.push_back(error.message());
      continue;
    }
    const std::vector<std::string> available = named.source->tables();
    std::size_t found = 0;
    for (const lake::Contract* contract : contracts.of(named.name)) {
      if (!contract->find_name(available).empty()) {
        ++found;
      } else if (!contract->is_optional) {
        problems.push_back(fmt::format("{} {}: table {} is missing", named.name, named.source->location(), contract->table));
      }
    }
    good("source",
         fmt::format("{}: {} {}, {} tables of the contracts", named.name, named.source->kind(), named.source->location(), found));
    if (auto* database = dynamic_cast<sources::MysqlSource*>(named.source.get()); database != nullptr && named.name == "matomo") {
      const auto version = matomo_version(*database, config.text("source.matomo_prefix"));
      if (version) std::printf("%-5s %-10s %s\n", version->is_tested ? "ok" : "warn", "source", describe(*version).c_str());
    }
  }
  settle("source", problems);
}

}  // namespace

int run_check(const Globals& globals) {
  const Config config = load_config(globals);
  good("config", fmt::format("{} keys, {} not at their default", config.entries().size(),
                             std::count_if(config.entries().begin(), config.entries().end(),
                                           [](const ConfigEntry& e) { return e.origin != "default"; })));
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  good("contracts", fmt::format("{} tables", contracts.of("business").size() + contracts.of("matomo").size() +
                                                 contracts.of("events").size() + contracts.of("canonical").size()));
  check_disk(config);
  check_tls(config, SystemClock().now());
  check_redis_trust(config);
  check_channels(config);
  check_sources(config, contracts);
  const bundle::BundleStore store = release_store(config);
  const auto current = store.current();
  good("bundle", current ? *current + " is current" : "none published yet");
  return 0;
}

}  // namespace lodestone::app
