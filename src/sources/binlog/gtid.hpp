#pragma once
// Global transaction ids of MariaDB, and the positions in a log that they make.

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lodestone::sources {

/// A transaction: the domain that ordered it, the server that ran it first, and its number within the domain.
struct Gtid {
  std::uint32_t domain = 0;
  std::uint32_t server = 0;
  std::uint64_t sequence = 0;

  friend auto operator<=>(const Gtid&, const Gtid&) = default;
};

/// "0-1-42".
std::string format_gtid(const Gtid& gtid);

/// The last transaction of each domain that has been seen. A value; empty means the beginning of all logs.
class GtidPosition {
 public:
  GtidPosition() = default;
  /// Reads "0-1-42,7-2-3", in any order, "" for the empty position. Throws invalid_argument for anything else, and for a domain
  /// that is named twice.
  static GtidPosition parse(std::string_view text);
  /// The form that parse() reads, by ascending domain.
  [[nodiscard]] std::string format() const;

  /// Whether `gtid` lies at or before this position: its domain has been seen up to its number or further.
  [[nodiscard]] bool covers(const Gtid& gtid) const;
  /// What both cover.
  static GtidPosition common(const GtidPosition& a, const GtidPosition& b);
  /// Moves the domain of `gtid` to it.
  void advance(const Gtid& gtid);
  [[nodiscard]] bool empty() const { return last_.empty(); }

  friend bool operator==(const GtidPosition&, const GtidPosition&) = default;

 private:
  std::map<std::uint32_t, Gtid> last_;  // by domain
};

}  // namespace lodestone::sources
