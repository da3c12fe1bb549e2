// lodestone serve: the current release over HTTP, until SIGINT or SIGTERM; SIGHUP reads the configuration again.

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/yaml.hpp"
#include "embedded_page.hpp"
#include "serving/server.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

/// name, licence and source of a catalogue description; its other keys are the simulator's.
serving::Catalogue read_catalogue(const fs::path& file) {
  YamlErrors errors(file.string());
  const Yaml root = Yaml::parse(read_file(file), errors);
  serving::Catalogue out{root.require("name").as_string(""), root.require("licence").as_string(""),
                         root.require("source").as_string("")};
  errors.throw_if_any();
  return out;
}

std::string_view content_type_of(std::string_view path) {
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  return "text/html; charset=utf-8";
}

serving::DemoPage make_demo_page(const Config& config) {
  serving::DemoPage page;
  page.label = "Visits are simulated over real catalogues";
  for (const std::string& file : config.texts("serving.demo_catalogs"))
    page.catalogues.push_back(read_catalogue(config.folder() / file));
  for (const EmbeddedFile& file : embedded_page()) {
    const std::string path = file.name == "index.html" ? "/" : "/" + std::string(file.name);
    page.assets.push_back({path, std::string(content_type_of(file.name)), file.text});
  }
  return page;
}

serving::PageTuning page_tuning(const Config& config) {
  return {.vector_ef = static_cast<std::size_t>(config.integer("engine.vector_ef")),
          .diversity = config.number("engine.diversity"),
          .exploration = config.number("engine.exploration")};
}

/// The address of a tier: that of the hot one's server with another database where none is named.
std::optional<cache::RedisUrl> redis_url(const Config& config, const char* key, int database) {
  const std::string& text = config.text(key);
  const std::string& hot = config.text("serving.redis_hot_url");
  if (text == "none" || (text.empty() && (hot.empty() || hot == "none"))) return std::nullopt;
  cache::RedisUrl out = cache::RedisUrl::parse(text.empty() ? hot : text, text.empty() ? "serving.redis_hot_url" : key);
  if (text.empty()) out.database += database;
  const fs::path file = config.file_path("serving.redis_password_file");
  if (!out.password.empty() || file.empty()) return out;
  const std::string content = read_file(file);
  out.password = content.substr(0, content.find_first_of("\r\n"));
  return out;
}

serving::CacheOptions cache_options(const Config& config) {
  const auto seconds = [&config](const char* key) { return std::chrono::seconds(config.integer(key)); };
  const auto milliseconds = [&config](const char* key) { return std::chrono::milliseconds(config.integer(key)); };
  serving::CacheOptions out;
  out.hot = redis_url(config, "serving.redis_hot_url", 0);
  out.cold = redis_url(config, "serving.redis_cold_url", 1);
  out.feature = redis_url(config, "serving.redis_feature_url", 2);
  if (const fs::path file = config.file_path("serving.redis_ca_file"); !file.empty())
    out.redis_trust = std::make_shared<const TlsTrust>(file);
  out.local_bytes = static_cast<std::size_t>(config.integer("serving.cache_local_mib")) << 20U;
  out.local_ttl = seconds("serving.cache_local_seconds");
  out.local_stale = out.local_ttl;
  out.hot_ttl = seconds("serving.cache_hot_seconds");
  out.cold_ttl_popular = seconds("serving.cache_cold_popular_seconds");
  out.cold_ttl = seconds("serving.cache_cold_seconds");
  out.negative_ttl = seconds("serving.cache_negative_seconds");
  out.get_timeout = milliseconds("serving.redis_get_timeout_ms");
  out.set_timeout = milliseconds("serving.redis_set_timeout_ms");
  out.request_timeout = milliseconds("serving.request_timeout_ms");
  out.popular_items = static_cast<std::size_t>(config.integer("serving.cache_popular_items"));
  out.preheat_items = static_cast<std::size_t>(config.integer("serving.cache_preheat_items"));
  return out;
}

serving::ServerOptions server_options(const Config& config, const ServeArguments& arguments) {
  serving::ServerOptions options;
  options.listen = arguments.listen.empty() ? config.text("serving.listen") : arguments.listen;
  options.admin_listen = arguments.admin.empty() ? config.text("serving.admin") : arguments.admin;
  options.n_threads = static_cast<int>(config.integer("serving.threads"));
  options.limits.connections = static_cast<std::size_t>(config.integer("serving.max_connections"));
  options.limits.header_timeout = std::chrono::seconds(config.integer("serving.header_timeout_seconds"));
  options.tls_certificate = config.file_path("serving.tls_certificate");
  options.tls_key = config.file_path("serving.tls_key");
  options.limits.queue_delay = std::chrono::milliseconds(config.integer("serving.queue_delay_ms"));
  options.limits.idle_timeout = std::chrono::seconds(config.integer("serving.idle_timeout_seconds"));
  options.admin_token_file = config.file_path("serving.admin_token_file");
  options.bundle_folder = config.file_path("bundle.folder");
  options.onnx_library = config.file_path("engine.onnx_library");
  options.experiments_file = config.file_path("serving.experiments_file");
  options.events.segments.folder = config.file_path("serving.events_folder");
  options.events.segments.total_bytes = static_cast<std::uint64_t>(config.integer("serving.events_mib")) << 20U;
  options.events.segments.segment_bytes =
      std::min(options.events.segments.segment_bytes, options.events.segments.total_bytes / 4);
  options.events.known_ids = static_cast<std::size_t>(config.integer("serving.event_ids"));
  options.events.events_per_second = config.number("serving.events_per_second");
  options.live_visitors = static_cast<std::size_t>(config.integer("serving.live_visitors"));
  options.trending_pairs = static_cast<std::size_t>(config.integer("serving.trending_pairs"));
  options.event_times.age = std::chrono::microseconds(std::llround(config.number("serving.event_days") * 86400e6));
  options.slo_latency = std::chrono::milliseconds(config.integer("serving.slo_latency_ms"));
  options.rules_file = config.file_path("serving.rules_file");
  options.channels_file = config.file_path("serving.channels_file");
  options.cache = cache_options(config);
  options.ranking_timeout = std::chrono::milliseconds(config.integer("serving.ranking_timeout_ms"));
  options.access.keys_file = config.file_path("serving.keys_file");
  options.access.cors_origins = config.texts("serving.cors_origins");
  options.audit.file = config.file_path("serving.audit_log");
  options.audit.file_bytes = (static_cast<std::uint64_t>(config.integer("serving.audit_mib")) << 20U) /
                             static_cast<std::uint64_t>(options.audit.n_files);
  options.rollout_limits.max_drop = config.number("serving.rollout_max_drop");
  options.rollout_limits.max_rise = config.number("serving.rollout_max_rise");
  options.rollout_limits.alpha = config.number("serving.rollout_alpha");
  options.tuning = page_tuning(config);
  if (config.flag("serving.exposure_log")) {
    serving::ExposureLogOptions& log = options.exposures.emplace();
    log.folder = config.file_path("serving.exposure_folder");
    log.file_bytes = static_cast<std::uint64_t>(config.integer("serving.exposure_file_mib")) << 20U;
    log.total_bytes = static_cast<std::uint64_t>(config.integer("serving.exposure_total_mib")) << 20U;
    log.queue_bytes = static_cast<std::size_t>(config.integer("serving.exposure_queue_kib")) << 10U;
  }
  if (config.flag("serving.demo_page")) options.demo = make_demo_page(config);
  return options;
}

/// What is told of answered requests, and to whom.
http::ObserverOptions observer_options(const Config& config) {
  http::ObserverOptions options;
  if (const fs::path file = config.file_path("serving.access_log"); !file.empty()) {
    http::AccessLogOptions& log = options.access_log.emplace();
    log.file = file;
    log.sample = config.number("serving.access_log_sample");
    log.file_bytes = static_cast<std::uint64_t>(config.integer("serving.access_log_mib")) << 20U;
  }
  if (const std::string& endpoint = config.text("serving.trace_endpoint"); !endpoint.empty()) {
    http::TraceOptions& traces = options.traces.emplace();
    traces.endpoint = endpoint;
    traces.sample = config.number("serving.trace_sample");
  }
  return options;
}

/// Libraries start threads before main() (OpenBLAS does), in which no signal is blocked. One that comes there is handed to the first thread,
/// where it waits until somebody takes it; without this a SIGHUP would end the process.
void hand_to_first_thread(int signal) {
  const int error = errno;
  ::syscall(SYS_tgkill, ::getpid(), ::getpid(), signal);
  errno = error;
}

/// Keeps the signals for sigwait() in this thread, the first one. Before any thread of ours starts, so that all inherit it.
sigset_t keep_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  struct sigaction action = {};
  action.sa_handler = hand_to_first_thread;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  return signals;
}

/// Takes what can change while requests are answered; a configuration with an error changes nothing.
void reload(const Globals& globals, serving::Server& server) {
  try {
    const Config config = load_config(globals);
    const serving::PageTuning tuning = page_tuning(config);
    server.reload_tls();
    server.set_tuning(tuning);
    log_info("serve",
             "SIGHUP: configuration read again: engine.vector_ef {}, engine.diversity {}, engine.exploration {}, log.level {}; "
             "other keys "
             "need a restart",
             tuning.vector_ef, tuning.diversity, tuning.exploration, config.text("log.level"));
  } catch (const Error& error) {
    log_error("serve", "SIGHUP: the configuration stays as it was: {}", error.message());
  }
}

}  // namespace

int run_serve(const Globals& globals, const ServeArguments& arguments) {
  const Config config = load_config(globals);
  const sigset_t signals = keep_signals();

  const SystemClock clock;
  metrics::Registry registry;
  serving::ServerOptions options = server_options(config, arguments);
  options.observer = observer_options(config);
  serving::Server server(std::move(options), registry, clock);
  server.start();
  log_info("serve", "public port {}, admin port {}, {}", server.port(), server.admin_port(),
           server.is_ready() ? "ready" : "no bundle yet: lodestone pipeline run makes one");
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) reload(globals, server);
  log_info("serve", "{}: finishing requests in flight", signal == SIGINT ? "SIGINT" : "SIGTERM");
  server.stop(std::chrono::seconds(config.integer("serving.drain_seconds")));
  return 0;
}

}  // namespace lodestone::app
