#pragma once
// WRITE_ROWS, UPDATE_ROWS and DELETE_ROWS of both versions, also compressed: their frame, and the decoding of rows.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sources/binlog/binlog_table.hpp"
#include "sources/binlog/byte_reader.hpp"
#include "sources/binlog/row_plan.hpp"
#include "sources/change.hpp"

namespace lodestone::sources {

/// Views into the event, and into `unpacked` of parse_rows() where it is compressed.
struct RowsEvent {
  ChangeKind kind{};
  std::uint64_t table_id = 0;
  ImageLayout layout;                     ///< `before` empty for an insert, `after` for a delete
  std::size_t n_before = 0, n_after = 0;  ///< columns that are there
  std::string_view rows;
};

/// Throws corrupt.
RowsEvent parse_rows(const Event& event, const EventFramer& framer, std::string& unpacked);

/// A date and a time of day as they were stored, whether a calendar has them or not.
struct Moment {
  std::uint32_t year = 0, month = 0, day = 0;
  std::int64_t micros = 0;  ///< of the day
};

/// Decodes rows by a plan. Values come out as the snapshot (mysql/binary_row.hpp) reads them from the same table. One thread.
class RowDecoder {
 public:
  /// `zone_micros` is added to columns of type TIMESTAMP, which the log keeps in UTC.
  RowDecoder(RowPlan plan, std::int64_t zone_micros) : plan_(std::move(plan)), zone_micros_(zone_micros) {}

  [[nodiscard]] std::size_t n_columns() const { return plan_.size(); }
  /// Appends one row from `reader`: one image, two for an update. Throws corrupt; contract for an integer that int64 cannot hold,
  /// and for an enum or set value without a label.
  void append_row(ByteReader& reader, const RowsEvent& event, std::uint32_t layout, TableChanges& out);
  /// Dates that no calendar has (0000-00-00), read as null so far.
  [[nodiscard]] std::uint64_t n_zero_dates() const { return n_zero_dates_; }

 private:
  void append_image(ByteReader& reader, const std::vector<std::uint8_t>& present, std::size_t n_present, table::Batch& out,
                    const TableChanges& of);
  void append_cell(ByteReader& reader, std::size_t column, table::Batch& out, const TableChanges& of);
  void append_text(ByteReader& reader, std::size_t column, table::Batch& out);
  void append_label(ByteReader& reader, std::size_t column, table::Batch& out, const TableChanges& of);
  void append_address(ByteReader& reader, std::size_t column, table::Batch& out);
  void append_unsigned(std::uint64_t value, std::size_t column, table::Batch& out, const TableChanges& of);
  void append_time(ByteReader& reader, std::size_t column, table::Batch& out);
  void append_moment(ByteReader& reader, std::size_t column, table::Batch& out);
  std::optional<std::int64_t> since_1970(const Moment& moment);

  RowPlan plan_;
  std::int64_t zone_micros_;
  std::uint64_t n_zero_dates_ = 0;
  std::uint32_t day_key_ = UINT32_MAX;  // the last date decoded, and its day: neighbouring rows share it
  std::int64_t day_ = 0;
  std::string text_, unpacked_;  // scratch
};

/// The rows of one event, taken in as many steps as their batches need. The event's bytes must outlive this. One thread.
class RowsCursor {
 public:
  /// Throws corrupt when the event has another number of columns than its TABLE_MAP.
  RowsCursor(RowsEvent event, const EventHeader& header, RowDecoder& decoder);
  RowsCursor(const RowsCursor&) = delete;
  RowsCursor& operator=(const RowsCursor&) = delete;

  [[nodiscard]] std::size_t left() const { return reader_.left(); }
  /// Appends rows until there are no more (true), until `out` is full, or until about `budget_bytes` of the log have been read.
  bool append_to(TableChanges& out, std::size_t budget_bytes);

 private:
  EventHeader header_;
  RowsEvent event_;
  RowDecoder* decoder_;
  ByteReader reader_;
};

}  // namespace lodestone::sources
