#pragma once
// JSON documents as MySQL stores them (MariaDB stores text). Written from the format's description in MySQL's source
// documentation (json_binary.h) and checked on documents that the tests build: no MySQL server is part of the tests.

#include <string>
#include <string_view>

#include "sources/binlog/event.hpp"

namespace lodestone::sources {

/// Appends the document as the JSON text that MySQL shows for it: ", " and ": " between, dates and decimals as MySQL writes them,
/// other binary values as "base64:typeN:...". Throws corrupt, also for nesting deeper than MySQL's 100.
void append_mysql_json(std::string_view document, const EventHeader& header, std::string& out);

}  // namespace lodestone::sources
