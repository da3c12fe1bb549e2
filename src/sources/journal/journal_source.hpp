#pragma once
// The journal of posted events as a source (docs/formats/event_journal.md): one table, posted_events, read on from where it was read last. The
// server may go on writing meanwhile; what it writes after the files were listed is read the next time.

#include <string>
#include <vector>

#include "sources/change.hpp"

namespace lodestone::sources {

class JournalSource final : public Source, public GrowingSource {
 public:
  /// Throws not_found when there is no such folder.
  explicit JournalSource(fs::path folder);

  [[nodiscard]] std::string kind() const override { return "journal"; }
  [[nodiscard]] std::string location() const override { return folder_.string(); }
  [[nodiscard]] std::vector<std::string> tables() override { return {"posted_events"}; }
  [[nodiscard]] TableSnapshot snapshot(const std::string& table) override;
  [[nodiscard]] GrowingSource* growing() override { return this; }

  /// Each event once a stream. Lines whose check does not fit are left out with a warning. A position is
  /// {"segment": "20261124T093000Z-17.jsonl", "read": 1234, "check": "0f1e2d3c4b5a6978"}: bytes of whole lines of that file, and the check of the
  /// last of them, by which a file that was cut back or is another one is known, and read from its beginning. Another journal in the place of the
  /// one that was read is read whole.
  [[nodiscard]] std::unique_ptr<table::RowStream> rows_after(const std::string& table, std::string_view position) override;
  [[nodiscard]] std::string position() const override { return position_; }

 private:
  fs::path folder_;
  std::string position_;
};

}  // namespace lodestone::sources
