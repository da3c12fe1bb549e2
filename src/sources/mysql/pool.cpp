#include "sources/mysql/pool.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace lodestone::sources {

ConnectionPool::Lease::Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection, TimePoint opened_at)
    : pool_(&pool), connection_(std::move(connection)), opened_at_(opened_at) {}

ConnectionPool::Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), connection_(std::move(other.connection_)), opened_at_(other.opened_at_) {}

ConnectionPool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->give_back(std::move(connection_), opened_at_);
}

ConnectionPool::ConnectionPool(PoolOptions options, const Clock& clock) : options_(std::move(options)), clock_(&clock) {
  if (options_.size < 1 || options_.max_overflow < 0) {
    fail(ErrorCode::kInvalidArgument,
         "pool {}: size {} and overflow {} make no pool; give a size of at least 1 and an overflow of at least 0", options_.name,
         options_.size, options_.max_overflow);
  }
  // So that a connection that comes back needs no memory.
  idle_.reserve(static_cast<std::size_t>(options_.size) + static_cast<std::size_t>(options_.max_overflow));
}

ConnectionPool::~ConnectionPool() {
  LODESTONE_ASSERT(status_.in_use == 0, "pool {}: {} connections are still lent out", options_.name, status_.in_use);
}

const Clock& ConnectionPool::system_clock() {
  static const SystemClock clock;
  return clock;
}

bool ConnectionPool::has_room() const { return !idle_.empty() || status_.in_use < options_.size + options_.max_overflow; }

void ConnectionPool::wait_for_room(std::unique_lock<std::mutex>& lock) {
  if (has_room()) return;
  ++status_.n_waits;
  ++n_waiting_;
  const bool came = came_back_.wait_for(lock, options_.timeout, [&] { return has_room(); });
  --n_waiting_;
  if (came) return;
  fail(ErrorCode::kTimeout,
       "pool {}: all {} connections to {} are in use (source.pool_size {} and source.pool_max_overflow {}), and none came back "
       "within {} s; raise these two, or source.pool_timeout_seconds to wait longer",
       options_.name, options_.size + options_.max_overflow, format_mysql_url(options_.connection.url), options_.size,
       options_.max_overflow, std::chrono::duration<double>(options_.timeout).count());
}

/// Asks the server, which takes a round trip, so the lock is not held here.
bool ConnectionPool::is_usable(Idle& candidate) {
  const bool is_old = clock_->now() - candidate.opened_at >= options_.recycle;
  if (!is_old && candidate.connection->ping()) return true;
  candidate.connection.reset();
  const std::lock_guard lock(mutex_);
  ++(is_old ? status_.n_recycled : status_.n_reconnected);
  return false;
}

ConnectionPool::Lease ConnectionPool::open() {
  auto connection = std::make_unique<Connection>(options_.connection);
  const std::lock_guard lock(mutex_);
  ++status_.n_created;
  return {*this, std::move(connection), clock_->now()};
}

ConnectionPool::Lease ConnectionPool::acquire() {
  Idle candidate;
  {
    std::unique_lock lock(mutex_);
    wait_for_room(lock);
    ++status_.in_use;
    if (!idle_.empty()) {
      candidate = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  try {
    if (candidate.connection != nullptr && is_usable(candidate))
      return {*this, std::move(candidate.connection), candidate.opened_at};
    return open();
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      --status_.in_use;
    }
    came_back_.notify_one();
    throw;
  }
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection, TimePoint opened_at) noexcept {
  const bool is_clean = connection->is_clean();
  if (!is_clean) connection.reset();
  {
    const std::lock_guard lock(mutex_);
    const auto n_open = static_cast<int>(idle_.size()) + status_.in_use;
    // Whoever waits would only open another in its place.
    const bool is_wanted = n_open <= options_.size || n_waiting_ > idle_.size();
    if (is_clean && is_wanted) idle_.push_back({std::move(connection), opened_at});
    // One that is to be closed counts as ours until the server was told.
    if (connection == nullptr) --status_.in_use;
  }
  if (connection != nullptr) {
    connection.reset();
    const std::lock_guard lock(mutex_);
    --status_.in_use;
  }
  came_back_.notify_one();
}

PoolStatus ConnectionPool::status() const {
  const std::lock_guard lock(mutex_);
  PoolStatus status = status_;
  status.idle = static_cast<int>(idle_.size());
  status.overflow = std::max(0, status.idle + status.in_use - options_.size);
  return status;
}

std::string format_pool_status(const ConnectionPool& pool) {
  const PoolStatus status = pool.status();
  const PoolOptions& options = pool.options();
  return fmt::format("pool {}: {} in use, {} idle, {} beyond {} (at most {}); {} opened, {} recycled, {} reconnected, {} waits",
                     options.name, status.in_use, status.idle, status.overflow, options.size, options.max_overflow,
                     status.n_created, status.n_recycled, status.n_reconnected, status.n_waits);
}

void register_pool_metrics(metrics::Registry& registry, std::span<const ConnectionPool* const> pools) {
  constexpr std::string_view kName = "db_pool_connections";
  constexpr std::string_view kHelp =
      "Connections to the source databases: idle, in_use (lent out), and overflow, the part beyond the pools' size.";
  const metrics::Gauge idle = registry.gauge(kName, kHelp, {{"state", "idle"}});
  const metrics::Gauge in_use = registry.gauge(kName, kHelp, {{"state", "in_use"}});
  const metrics::Gauge overflow = registry.gauge(kName, kHelp, {{"state", "overflow"}});
  registry.on_scrape([=, all = std::vector(pools.begin(), pools.end())] {
    PoolStatus sum;
    for (const ConnectionPool* pool : all) {
      const PoolStatus one = pool->status();
      sum.idle += one.idle;
      sum.in_use += one.in_use;
      sum.overflow += one.overflow;
    }
    idle.set(sum.idle);
    in_use.set(sum.in_use);
    overflow.set(sum.overflow);
  });
}

}  // namespace lodestone::sources
