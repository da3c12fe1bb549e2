#pragma once
// The two compressed forms of MariaDB: events (log_bin_compress) and values of columns (COLUMN COMPRESSED), both zlib.

#include <string>
#include <string_view>

#include "sources/binlog/event.hpp"

namespace lodestone::sources {

/// Unpacks the compressed part of an event into `out`. Throws corrupt.
void unpack_event(std::string_view packed, const EventHeader& header, std::string& out);

/// The value of a compressed column: a view into `packed` where it was stored as it is, else into `out`. Throws corrupt.
std::string_view unpack_column(std::string_view packed, const EventHeader& header, std::string& out);

}  // namespace lodestone::sources
