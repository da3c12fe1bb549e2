#pragma once
// Connections to one database that are kept and lent out, so that a reading does not pay for opening one, and one that died
// meanwhile (wait_timeout, KILL, a restart of the server) is replaced before anybody notices. Size, overflow and recycling as in
// SQLAlchemy's QueuePool, which the original system used.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "metrics/registry.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {

struct PoolOptions {
  ConnectionOptions connection;
  std::string name = "mysql";          ///< in log lines and sentences: "business"
  int size = 10;                       ///< connections kept open between uses; more cost memory in the server
  int max_overflow = 20;               ///< further ones that are opened when all are in use, and closed when they come back
  std::chrono::seconds recycle{3600};  ///< older ones are replaced before use; keep it below the server's wait_timeout
  std::chrono::milliseconds timeout{30'000};  ///< how long acquire() waits when all are in use; 0 does not wait
};

struct PoolStatus {
  int idle = 0;
  int in_use = 0;                   ///< lent out or being opened, those beyond the size too
  int overflow = 0;                 ///< open beyond the size
  std::uint64_t n_created = 0;      ///< opened since the start, the replacements too
  std::uint64_t n_recycled = 0;     ///< replaced because of their age
  std::uint64_t n_reconnected = 0;  ///< replaced because they no longer answered
  std::uint64_t n_waits = 0;        ///< times that somebody had to wait for one
};

/// Opens connections when they are asked for, none before. Safe from many threads; a lease belongs to one thread at a time.
class ConnectionPool {
 public:
  /// One connection, given back at the end of the lease. It is closed instead when it is broken, was abandoned, or stands in the
  /// middle of a result or a transaction. Settings of the session that the holder changes stay: they are for the next holder too.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    [[nodiscard]] Connection& operator*() const { return *connection_; }
    [[nodiscard]] Connection* operator->() const { return connection_.get(); }

   private:
    friend class ConnectionPool;
    Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection, TimePoint opened_at);
    ConnectionPool* pool_;
    std::unique_ptr<Connection> connection_;
    TimePoint opened_at_;
  };

  /// Throws invalid_argument for a size below 1 or a negative overflow. `clock` must outlive this.
  explicit ConnectionPool(PoolOptions options, const Clock& clock = system_clock());
  /// Closes what is idle. Leases must have ended: after this, nothing of ours is connected.
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  /// A connection that answered just now. Throws timeout when all are in use until options().timeout has passed, and what
  /// Connection throws when a new one cannot be opened.
  [[nodiscard]] Lease acquire();

  [[nodiscard]] PoolStatus status() const;
  [[nodiscard]] const PoolOptions& options() const { return options_; }

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    TimePoint opened_at;
  };
  static const Clock& system_clock();
  [[nodiscard]] bool has_room() const;
  void wait_for_room(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool is_usable(Idle& candidate);
  Lease open();
  void give_back(std::unique_ptr<Connection> connection, TimePoint opened_at) noexcept;

  PoolOptions options_;
  const Clock* clock_;
  mutable std::mutex mutex_;
  std::condition_variable came_back_;
  std::vector<Idle> idle_;  // the one used last stands at the end and is taken first
  PoolStatus status_;       // idle and overflow are computed when asked for
  std::size_t n_waiting_ = 0;
};

/// "pool business: 1 in use, 0 idle, 0 beyond 10 (at most 20); 1 opened, 0 recycled, 0 reconnected, 0 waits".
std::string format_pool_status(const ConnectionPool& pool);

/// Registers db_pool_connections{state} (idle, in_use, overflow), summed over the pools at each scrape. The pools must outlive
/// the registry's scrapes.
void register_pool_metrics(metrics::Registry& registry, std::span<const ConnectionPool* const> pools);

}  // namespace lodestone::sources
