#include "exposure_logs.hpp"

#include "base/error.hpp"
#include "sources/exposures/exposure_stream.hpp"

namespace lodestone::app {
namespace {

/// Log that is read between two commits.
constexpr std::uint64_t kPieceBytes = 256ULL << 20U;

}  // namespace

fs::path exposure_folder(const Config& config) {
  const fs::path given = config.file_path("source.exposures");
  if (!given.empty()) {
    if (!fs::is_directory(given)) {
      fail(ErrorCode::kNotFound, "source.exposures: there is no folder {}; make it, or leave the key empty", given.string());
    }
    return given;
  }
  fs::path written = config.file_path("serving.exposure_folder");
  return fs::is_directory(written) ? written : fs::path();
}

void extract_exposures(const Config& config, const lake::Contracts& contracts, table::Engine& engine, const Clock& clock,
                       const lake::ReportCallback& on_table, const lake::LakeLock& lock) {
  const fs::path folder = exposure_folder(config);
  if (folder.empty()) return;
  const fs::path lake = config.file_path("lake.folder");
  const lake::Contract* contract = contracts.find("exposures", "exposures");
  LODESTONE_ASSERT(contract != nullptr, "no contract of exposures");
  for (bool first = true;; first = false) {
    sources::ExposureStream stream(folder, lake::position_of(lake, *contract), kPieceBytes);
    if (!stream.has_more()) break;
    const lake::TableReport report = lake::append(
        stream, [&] { return stream.position(); }, *contract, "exposures", folder.string(), engine, lake, clock, lock);
    if (stream.n_lines() == 0) break;  // only a line that has no end yet
    if (first || report.rows_in > 0) on_table(report);
  }
}

}  // namespace lodestone::app
