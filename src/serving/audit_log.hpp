#pragma once
// The audit log: what changed what this server does, who did it and what came of it, one JSON object a line (docs/audit.md). For people and for those who
// ask them; nothing reads it back but `lodestone audit`.

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "metrics/registry.hpp"

namespace lodestone::serving {

struct AuditEntry {
  std::string action;     ///< "reload", "rollback", "experiments file", "guardrail"
  std::string actor;      ///< "operator" for whoever has the admin token, "file", "server"
  std::string peer = {};  ///< address of a caller, "" = null
  json::Value arguments = json::Object{};
  std::string outcome;      ///< "done", "refused"
  std::string detail = {};  ///< a sentence, "" = null
};

/// Safe from many threads and, on one file system, from several servers on one file.
class AuditLog {
 public:
  struct Options {
    fs::path file;                            ///< "" = no log
    std::uint64_t file_bytes = 16ULL << 20U;  ///< a file that has grown to this is followed by a new one
    int n_files = 4;                          ///< kept: FILE, FILE.1 (the one before) and so on
  };
  /// The registry and the clock must outlive it.
  AuditLog(Options options, metrics::Registry& registry, const Clock& clock);

  /// On the disk when this returns. A log that cannot be written costs the entry, which then is in the process log, and never what it tells of.
  void write(const AuditEntry& entry);

 private:
  void append(std::string_view line) const;

  Options options_;
  const Clock* clock_;
  std::mutex mutex_;  ///< held while it is written
  metrics::ThreadSlots* slots_;
  metrics::Counter written_;
  metrics::Counter failed_;
};

}  // namespace lodestone::serving
