#pragma once
// The journal of posted events as a source (docs/formats/event_journal.md): one table, posted_events, each event once. The server may go on
// writing meanwhile; what it writes after a file was opened is read the next time.

#include <string>
#include <vector>

#include "sources/change.hpp"

namespace lodestone::sources {

class JournalSource final : public Source {
 public:
  /// Throws not_found when there is no such folder.
  explicit JournalSource(fs::path folder);

  [[nodiscard]] std::string kind() const override { return "journal"; }
  [[nodiscard]] std::string location() const override { return folder_.string(); }
  [[nodiscard]] std::vector<std::string> tables() override { return {"posted_events"}; }
  /// Rows that go onto those of the lake, because the server removes old files. Lines whose check does not fit are left out with a warning.
  [[nodiscard]] TableSnapshot snapshot(const std::string& table) override;

 private:
  fs::path folder_;
};

}  // namespace lodestone::sources
