#include "sources/binlog/rows_event.hpp"

#include <fmt/format.h>

#include "sources/binlog/unpack.hpp"

namespace lodestone::sources {
namespace {

/// What a type says of its rows.
struct RowsKind {
  ChangeKind change{};
  bool has_extra_data = false;  // version 2
  bool is_compressed = false;
};

RowsKind kind_of(EventType type) {
  const auto number = static_cast<unsigned>(type);
  const auto change = [&](EventType first) { return static_cast<ChangeKind>(number - static_cast<unsigned>(first)); };
  if (type >= EventType::kWriteRowsCompressed) return {change(EventType::kWriteRowsCompressed), true, true};
  if (type >= EventType::kWriteRowsCompressedV1) return {change(EventType::kWriteRowsCompressedV1), false, true};
  if (type >= EventType::kWriteRows) return {change(EventType::kWriteRows), true, false};
  return {change(EventType::kWriteRowsV1), false, false};
}

/// One byte for each of n bits; returns how many are set.
std::size_t read_bits(ByteReader& reader, std::size_t n, std::vector<std::uint8_t>& bits) {
  const std::uint8_t* bytes = reader.take((n + 7) / 8);
  bits.resize(n);
  std::size_t n_set = 0;
  for (std::size_t i = 0; i < n; ++i) {
    bits[i] = static_cast<std::uint8_t>(unsigned{bytes[i / 8]} >> i % 8 & 1U);
    n_set += bits[i];
  }
  return n_set;
}

}  // namespace

RowsEvent parse_rows(const Event& event, const EventFramer& framer, std::string& unpacked) {
  const RowsKind kind = kind_of(event.header.type);
  ByteReader reader(event.body, event.header);
  RowsEvent out;
  out.kind = kind.change;
  out.table_id = reader.little(framer.post_header_size(event.header.type) == 6 ? 4 : 6);
  reader.take(2);  // flags
  if (kind.has_extra_data) {
    const auto size = reader.little<std::uint16_t>();  // counts itself
    if (size < 2) fail_damaged(event.header, fmt::format("extra data of {} bytes", size));
    reader.take(size - 2U);
  }
  const std::uint64_t n_columns = reader.length();
  if (n_columns == 0 || n_columns > 4096) fail_damaged(event.header, fmt::format("rows of {} columns", n_columns));
  if (kind.change != ChangeKind::kInsert) out.n_before = read_bits(reader, n_columns, out.layout.before);
  if (kind.change != ChangeKind::kDelete) out.n_after = read_bits(reader, n_columns, out.layout.after);
  if (kind.is_compressed && reader.left() > 0) {
    unpack_event(reader.rest(), event.header, unpacked);
    out.rows = unpacked;
  } else {
    out.rows = reader.rest();
  }
  return out;
}

void RowDecoder::append_image(ByteReader& reader, const std::vector<std::uint8_t>& present, std::size_t n_present,
                              table::Batch& out, const TableChanges& of) {
  const std::uint8_t* nulls = reader.take((n_present + 7) / 8);
  std::size_t bit = 0;
  for (std::size_t column = 0; column < plan_.size(); ++column) {
    if (present[column] == 0) {
      out.append_null(column);
      continue;
    }
    const bool is_null = (unsigned{nulls[bit / 8]} >> bit % 8 & 1U) != 0;
    ++bit;
    if (is_null) {
      out.append_null(column);
    } else {
      append_cell(reader, column, out, of);
    }
  }
  out.end_row();
}

void RowDecoder::append_row(ByteReader& reader, const RowsEvent& event, std::uint32_t layout, TableChanges& out) {
  RowChange row{event.kind, layout, static_cast<std::uint32_t>(out.before.n_rows()),
                static_cast<std::uint32_t>(out.after.n_rows())};
  if (event.kind != ChangeKind::kInsert) append_image(reader, event.layout.before, event.n_before, out.before, out);
  if (event.kind != ChangeKind::kDelete) append_image(reader, event.layout.after, event.n_after, out.after, out);
  out.rows.push_back(row);
}

RowsCursor::RowsCursor(RowsEvent event, const EventHeader& header, RowDecoder& decoder)
    : header_(header), event_(std::move(event)), decoder_(&decoder), reader_(event_.rows, header_) {
  const std::size_t n = event_.kind == ChangeKind::kInsert ? event_.layout.after.size() : event_.layout.before.size();
  if (n != decoder.n_columns()) {
    fail_damaged(header_, fmt::format("rows of {} columns where its table has {}", n, decoder.n_columns()));
  }
}

bool RowsCursor::append_to(TableChanges& out, std::size_t budget_bytes) {
  if (out.layouts.empty() || out.layouts.back() != event_.layout) out.layouts.push_back(event_.layout);
  const auto layout = static_cast<std::uint32_t>(out.layouts.size() - 1);
  const std::size_t start = reader_.left();
  while (reader_.left() > 0) {
    if (out.full() || start - reader_.left() >= budget_bytes) return false;
    const std::size_t before = reader_.left();
    decoder_->append_row(reader_, event_, layout, out);
    if (reader_.left() == before) fail_damaged(header_, "rows without a column");
  }
  return true;
}

}  // namespace lodestone::sources
