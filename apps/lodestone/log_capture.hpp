#pragma once
// The tables of one database followed by its binary log: what has no place in the log yet is read once, then changes come in as they are
// committed. One of these a database; those of one lake share the lock on its raw tables.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lake/capture.hpp"
#include "lake/extract.hpp"
#include "sources/binlog/binlog_stream.hpp"
#include "sources/mysql/mysql_source.hpp"

namespace lodestone::app {

struct LogCaptureOptions {
  lake::ExtractOptions extract;  ///< capture is kLog
  std::uint32_t server_id = 0;   ///< of this replica; 0 makes one
  std::chrono::milliseconds merge_every{
      300};                           ///< how long a change may wait to be merged with others; longer makes fewer, larger parts
  std::uint64_t merge_rows = 50'000;  ///< but no more than these
  std::uint64_t most_waiting = 500'000;    ///< rows of one transaction that are held before they are merged ahead of its end
  std::chrono::seconds advance_every{10};  ///< how often tables without changes take the place in the log over
};

/// One thread but for stop().
class LogCapture {
 public:
  using OpenSource = std::function<std::unique_ptr<sources::MysqlSource>()>;

  /// `contracts` are those of the source. All references must outlive this. `on_table` is called for each table that is read whole.
  LogCapture(OpenSource open_source, std::vector<const lake::Contract*> contracts, table::Engine& engine,
             LogCaptureOptions options, const Clock& clock, const lake::LakeLock& lock, lake::ReportCallback on_table);
  ~LogCapture();

  /// Reads what there is in the log and returns. A table that cannot be followed does not stop the others; what is wrong is thrown at
  /// the end.
  void run_to_end();
  /// Goes on until stop(). Throws when the source goes or no table can be followed.
  void follow();
  /// From any thread.
  void stop();

  /// Reports of the tables that changed, since the start.
  [[nodiscard]] std::vector<lake::TableReport> reports() const;
  /// When what was merged last had been committed at the source.
  [[nodiscard]] std::chrono::sys_seconds merged_until() const {
    return std::chrono::sys_seconds(std::chrono::seconds(merged_until_.load()));
  }
  /// All that was committed until then is in the lake: merged_until(), or the last time at which the source had nothing more. 1970 before
  /// the first of them. From any thread.
  [[nodiscard]] TimePoint covered_until() const {
    return std::max<TimePoint>(merged_until(), TimePoint(std::chrono::microseconds(idle_at_us_.load())));
  }

 private:
  struct Table {
    const lake::Contract* contract = nullptr;
    std::string name;  // in the source, without its prefix
    std::unique_ptr<lake::TableCapture> capture;
  };

  void run(sources::BinlogMode mode);
  void open_tables(lake::ExtractMode mode);
  void open_stream(sources::BinlogMode mode);
  bool step();
  void take_piece();
  void take_statement(const sources::DdlStatement& statement);
  void take_schema_change();
  void read_again(Table& table, lake::ExtractMode mode);
  void extract_tables(const std::vector<const lake::Contract*>& contracts, lake::ExtractMode mode);
  [[nodiscard]] sources::BinlogTable describe(const Table& table);
  void merge_waiting(const sources::GtidPosition& position);
  void merge_when_due();
  void advance_quiet_tables();
  void give_up(const std::string& table, const Error& error);
  Table* find_table(const std::string& database, const std::string& name);
  [[nodiscard]] std::uint64_t n_waiting() const;

  OpenSource open_source_;
  std::vector<const lake::Contract*> contracts_;
  table::Engine& engine_;
  LogCaptureOptions options_;
  const Clock& clock_;
  const lake::LakeLock& lock_;
  lake::ReportCallback on_table_;
  std::unique_ptr<sources::MysqlSource> source_;  // describes tables, and reads rows that the log tells in part
  std::vector<Table> tables_;
  std::unique_ptr<sources::BinlogStream> stream_;
  std::atomic<bool> is_stopped_{false};
  std::mutex stream_mutex_;  // over stream_ as stop() sees it
  bool in_transaction_ = false;
  std::optional<std::chrono::steady_clock::time_point> waits_since_;
  std::chrono::steady_clock::time_point advanced_at_;
  std::chrono::sys_seconds committed_at_{};
  std::atomic<std::int64_t> merged_until_{0};
  std::atomic<std::int64_t> idle_at_us_{0};
  std::map<std::string, std::string> failures_;  // by table
};

}  // namespace lodestone::app
