#include "lake/append.hpp"

#include "lake/table_ingest.hpp"

namespace lodestone::lake {

std::string position_of(const fs::path& lake, const Contract& contract) {
  const std::optional<Manifest> manifest = find_manifest(table_path(lake, contract.source, contract.table));
  return manifest && manifest->cursor ? manifest->cursor->position : "";
}

TableReport append(table::RowStream& rows, const std::function<std::string()>& position, const Contract& contract,
                   const std::string& kind, const std::string& location, table::Engine& engine, const fs::path& lake,
                   const Clock& clock, const LakeLock&) {
  const auto start = std::chrono::steady_clock::now();
  std::optional<Manifest> manifest = find_manifest(table_path(lake, contract.source, contract.table));
  if (!manifest) manifest = new_raw_table(contract);
  manifest->kind = kind;
  manifest->location = location;
  TableIngest ingest(engine, lake, contract, clock);
  ingest.read_stream(rows);
  manifest->cursor.emplace().position = position();
  TableReport report = ingest.commit_behind(std::move(*manifest));
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace lodestone::lake
