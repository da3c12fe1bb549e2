#pragma once
// Where a server's binary log stands, and whether it can be followed at all.

#include "sources/binlog/gtid.hpp"

namespace lodestone::sources {

class Connection;

/// The end of the log now. Throws contract as check_binlog() does.
GtidPosition current_gtid(Connection& connection);

/// The place in the log of the snapshot that `connection` reads: what it covers is in the snapshot, and nothing else is. The
/// connection must stand in a transaction that was begun WITH CONSISTENT SNAPSHOT. Throws contract when the log is off.
GtidPosition snapshot_gtid(Connection& connection);

/// Throws contract, naming what to set, when the server is none of MariaDB, when its log is off, and when it does not hold rows.
void check_binlog(Connection& connection);

}  // namespace lodestone::sources
