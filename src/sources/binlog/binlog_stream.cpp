#include "sources/binlog/binlog_stream.hpp"

#include <utility>

#include "sources/binlog/replica_line.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::steady_clock;
using Found = TransactionReader::Found;

/// "+08:00" in microseconds.
std::int64_t parse_zone(const std::string& zone) {
  const auto digit = [&](std::size_t i) { return zone[i] >= '0' && zone[i] <= '9' ? zone[i] - '0' : 100; };
  if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':') {
    const std::int64_t hours = digit(1) * 10 + digit(2);
    const std::int64_t minutes = digit(4) * 10 + digit(5);
    if (hours <= 14 && minutes < 60) return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes) * 60'000'000;
  }
  fail(ErrorCode::kContract, "the time zone \"{}\" is no offset, which the binary log needs; give it as \"+08:00\"", zone);
}

BinlogStep step_of(Found found) { return found == Found::kChanges ? BinlogStep::kChanges : BinlogStep::kSchemaChanged; }

}  // namespace

struct BinlogStream::State {
  State(const BinlogOptions& options, std::int64_t zone_micros, std::vector<BinlogTable> tables)
      : line(options),
        reader(
            {.start = options.start, .checksum = line.checksum(), .zone_micros = zone_micros, .piece_bytes = options.piece_bytes},
            std::move(tables)) {}

  ReplicaLine line;
  TransactionReader reader;
};

BinlogStream::BinlogStream(const BinlogOptions& options, std::vector<BinlogTable> tables)
    : state_(std::make_unique<State>(options, parse_zone(options.connection.time_zone), std::move(tables))) {}

BinlogStream::~BinlogStream() = default;

BinlogStep BinlogStream::next(std::chrono::milliseconds wait) {
  State& s = *state_;
  const auto deadline = steady_clock::now() + wait;
  if (const Found found = s.reader.resume(); found != Found::kNothing) return step_of(found);
  while (true) {
    switch (s.line.receive()) {
      case ReplicaLine::Got::kEnd: return BinlogStep::kEnd;
      case ReplicaLine::Got::kCancelled: return BinlogStep::kStopped;
      case ReplicaLine::Got::kEvent: break;
    }
    if (const Found found = s.reader.take(s.line.event()); found != Found::kNothing) return step_of(found);
    if (steady_clock::now() >= deadline) return BinlogStep::kIdle;
  }
}

const ChangePiece& BinlogStream::piece() const { return state_->reader.piece(); }
const SchemaChange& BinlogStream::schema_change() const { return state_->reader.schema_change(); }
void BinlogStream::set_table(BinlogTable table) { state_->reader.set_table(std::move(table)); }
void BinlogStream::drop_table(const std::string& database, const std::string& name) { state_->reader.drop_table(database, name); }
const GtidPosition& BinlogStream::position() const { return state_->reader.position(); }
std::uint32_t BinlogStream::server_id() const { return state_->line.server_id(); }
std::uint64_t BinlogStream::n_zero_dates() const { return state_->reader.n_zero_dates(); }
void BinlogStream::stop() noexcept { state_->line.cancel(); }

}  // namespace lodestone::sources
