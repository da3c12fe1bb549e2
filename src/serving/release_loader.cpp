#include "serving/release_loader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"

namespace lodestone::serving {

namespace {

/// Pages made over a new release before it is swapped in, spread over the catalogue: they map what requests will touch.
constexpr std::size_t kWarmPages = 500;

void make_warm(const models::Release& release) {
  engine::Scratch scratch;
  engine::Page page;
  engine::warm(release, scratch, page);
  engine::PageRequest request;
  request.limit = 50;
  const std::size_t n = release.catalog.n_items();
  for (std::size_t i = 0; i < n; i += std::max<std::size_t>(1, n / kWarmPages)) {
    request.item = static_cast<ItemIndex>(i);
    engine::recommend(release, request, scratch, page);
  }
}

}  // namespace

ReleaseLoader::ReleaseLoader(bundle::BundleStore store, ReleaseHolder& releases, ServingMetrics& metrics, const Clock& clock,
                             std::function<std::string(const models::Release&)> make_demo)
    : store_(std::move(store)), releases_(&releases), metrics_(&metrics), clock_(&clock), make_demo_(std::move(make_demo)) {}

ReleaseLoader::~ReleaseLoader() { stop(); }

ReleaseLoader::Stamp ReleaseLoader::stamp() const {
  struct stat info {};
  if (::stat((store_.folder() / "CURRENT").c_str(), &info) != 0) return {};
  // CURRENT is replaced by rename, so a new one has another inode even within one tick of the clock.
  return {static_cast<std::int64_t>(info.st_ino),
          static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec,
          static_cast<std::int64_t>(info.st_size)};
}

ReleasePointer ReleaseLoader::open(const std::string& id) const {
  auto loaded = std::make_shared<LoadedRelease>();
  // While a release is serving, verifying the next one must not take the cores from those who answer.
  const int n_threads = releases_->get() ? 1 : 0;
  loaded->bundle = store_.open(id, n_threads);
  make_warm(loaded->release());
  loaded->etag_seed = xxh3(id);
  if (make_demo_) loaded->demo = make_demo_(loaded->release());
  loaded->loaded_at = clock_->now();
  return loaded;
}

void ReleaseLoader::swap_in(ReleasePointer next) {
  const std::string id = next->release().id;
  metrics_->set_bundle(id, next->loaded_at);
  metrics_->count_reload(ServingMetrics::Reload::kLoaded);
  log_info("serving", "bundle {} answers now: {} items, {} users", id, next->release().catalog.n_items(),
           next->release().users.size());
  releases_->set(std::move(next));
  const std::lock_guard lock(state_mutex_);
  refusal_.reset();
}

void ReleaseLoader::refuse(const std::string& sentence) {
  const ReleasePointer now = releases_->get();
  metrics_->count_reload(ServingMetrics::Reload::kRefused);
  log_error("serving", "refused a bundle: {}; {}", sentence,
            now ? "goes on with " + now->release().id : "there is none to go on with");
  const std::lock_guard lock(state_mutex_);
  refusal_ = sentence;
}

void ReleaseLoader::look() {
  const std::lock_guard lock(load_mutex_);
  const Stamp now = stamp();
  if (now == seen_) return;
  seen_ = now;
  try {
    const auto id = store_.current();
    if (!id) return;
    const ReleasePointer serving = releases_->get();
    if (serving && serving->release().id == *id && !last_refusal()) return;  // load() wrote CURRENT itself
    swap_in(open(*id));
  } catch (const std::exception& error) {  // whatever it is, this thread must go on looking
    refuse(error.what());
  }
}

std::string ReleaseLoader::reload_current() {
  const std::lock_guard lock(load_mutex_);
  const auto id = store_.current();
  if (!id) fail(ErrorCode::kNotFound, "{}: no bundle is current; lodestone publish makes one", store_.folder().string());
  seen_ = stamp();
  try {
    swap_in(open(*id));
  } catch (const std::exception& error) {
    refuse(error.what());
    throw;
  }
  return *id;
}

void ReleaseLoader::load(const std::string& id) {
  const std::lock_guard lock(load_mutex_);
  const fs::path folder = store_.path_of(id);  // an unknown id is the caller's mistake, not a refused bundle
  try {
    ReleasePointer next = open(id);
    store_.publish(id);
    seen_ = stamp();
    swap_in(std::move(next));
  } catch (const std::exception& error) {
    metrics_->count_reload(ServingMetrics::Reload::kRefused);
    log_error("serving", "did not load {}: {}", folder.string(), error.what());
    throw;
  }
}

std::string ReleaseLoader::roll_back() {
  const std::lock_guard lock(load_mutex_);
  std::string id = store_.rollback(std::nullopt);
  seen_ = stamp();
  swap_in(open(id));
  return id;
}

std::optional<std::string> ReleaseLoader::last_refusal() const {
  const std::lock_guard lock(state_mutex_);
  return refusal_;
}

void ReleaseLoader::start(std::chrono::milliseconds interval) {
  thread_ = std::thread([this, interval] { run(interval); });
}

void ReleaseLoader::stop() {
  {
    const std::lock_guard lock(state_mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ReleaseLoader::run(std::chrono::milliseconds interval) {
  auto next_sample = std::chrono::steady_clock::now();
  std::unique_lock lock(state_mutex_);
  while (!is_stopping_) {
    lock.unlock();
    look();
    releases_->collect();
    if (const auto now = std::chrono::steady_clock::now(); now >= next_sample) {
      metrics_->sample_fallback_ratio();
      next_sample = now + std::chrono::seconds(1);
    }
    lock.lock();
    wake_.wait_for(lock, interval, [this] { return is_stopping_; });
  }
}

}  // namespace lodestone::serving
