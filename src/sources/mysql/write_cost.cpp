// The part of index_measure.hpp that writes: copies of a table, and what a write to each costs.
#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.hpp"
#include "sources/mysql/index_change.hpp"
#include "sources/mysql/index_measure.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kBaseRows = 20'000;
constexpr std::uint64_t kWrites = 500;
constexpr std::size_t kRounds = 5;

/// A table that is gone with this object, also when measuring fails.
class CopyTable {
 public:
  CopyTable(Connection& connection, std::string name)
      : connection_(&connection), name_(std::move(name)), purpose_{fmt::format("write table {}", name_), name_, 0} {}
  ~CopyTable() {
    try {
      connection_->try_execute("DROP TABLE IF EXISTS " + quoted_name(name_), purpose_);
    } catch (const Error&) {  // the server is gone, and what is under way says so
    }
  }
  CopyTable(const CopyTable&) = delete;
  CopyTable& operator=(const CopyTable&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  std::optional<Refusal> run(const std::string& sql) { return connection_->try_execute(sql, purpose_); }
  /// Runs them in one transaction, which is rolled back; `us` gets the microseconds that they took.
  std::optional<Refusal> time(const std::vector<std::string>& statements, double& us) {
    connection_->execute("START TRANSACTION", purpose_);
    const auto start = steady_clock::now();
    std::optional<Refusal> refusal;
    for (std::size_t i = 0; i < statements.size() && !refusal; ++i) refusal = run(statements[i]);
    us = std::chrono::duration<double, std::micro>(steady_clock::now() - start).count();
    connection_->execute("ROLLBACK", purpose_);
    return refusal;
  }

 private:
  Connection* connection_;
  std::string name_;
  Purpose purpose_;
};

/// The rows that are copied, and those that are written on top.
struct Sample {
  std::uint64_t n_base = 0;
  std::uint64_t n_writes = 0;
  std::vector<std::string> values;      ///< "'1', NULL, 'x'" of the rows to insert
  std::vector<std::string> conditions;  ///< "`id` = '7'" of the rows to update
};

std::string key_order(const PlannedIndex& index) {
  std::string out;
  // All of the order but the change column is the primary key.
  const std::vector<std::string>& order = index.cursor->order;
  for (std::size_t i = 1; i < order.size(); ++i) out += (i == 1 ? "" : ", ") + quoted_name(order[i]);
  return out.empty() ? quoted_name(order[0]) : out;
}

Sample take_sample(Connection& connection, const PlannedIndex& index) {
  const Purpose purpose{fmt::format("read table {}", index.table), index.table, 0};
  Sample sample;
  const auto n = connection.query(
      fmt::format("SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT {}) AS some_rows", quoted_name(index.table), kBaseRows + kWrites),
      purpose);
  const std::uint64_t n_rows = std::stoull(n[0][0].value());
  sample.n_writes = std::min(kWrites, n_rows / 2);
  sample.n_base = n_rows - sample.n_writes;
  std::string values;
  for (const TableColumn& column : index.facts.columns)
    values += (values.empty() ? "" : ", ', ', ") + literal_of(column.name, column.data_type);
  for (const auto& row : connection.query(fmt::format("SELECT CONCAT({}) FROM {} ORDER BY {} LIMIT {} OFFSET {}", values,
                                                      quoted_name(index.table), key_order(index), sample.n_writes, sample.n_base),
                                          purpose)) {
    sample.values.push_back(row[0].value());
  }
  std::string condition;
  const std::vector<std::string>& order = index.cursor->order;
  for (std::size_t i = order.size() > 1 ? 1 : 0; i < order.size(); ++i) {
    condition += fmt::format("{}'{} = ', {}", condition.empty() ? "" : ", ' AND ', ", quoted_name(order[i]),
                             literal_of(order[i], index.facts.find_column(order[i])->data_type));
  }
  for (const auto& row : connection.query(fmt::format("SELECT CONCAT({}) FROM {} ORDER BY {} LIMIT {}", condition,
                                                      quoted_name(index.table), key_order(index), sample.n_writes),
                                          purpose)) {
    sample.conditions.push_back(row[0].value());
  }
  return sample;
}

/// As a shop writes: one row a statement.
std::vector<std::string> statements_of(const PlannedIndex& index, const Sample& sample, const std::string& table) {
  constexpr std::array<std::string_view, 3> kTimes = {"datetime", "timestamp", "date"};
  const std::string& change = index.cursor->order[0];
  const std::string& type = index.facts.find_column(change)->data_type;
  const bool is_time = std::find(kTimes.begin(), kTimes.end(), type) != kTimes.end();
  std::vector<std::string> out;
  for (const std::string& values : sample.values)
    out.push_back(fmt::format("INSERT INTO {} VALUES ({})", quoted_name(table), values));
  for (const std::string& condition : sample.conditions) {
    out.push_back(fmt::format("UPDATE {} SET {} = {} + {} WHERE {}", quoted_name(table), quoted_name(change), quoted_name(change),
                              is_time ? "INTERVAL 1 DAY" : "1", condition));
  }
  return out;
}

std::string why_not(Connection& connection, const Refusal& refusal) {
  if (refusal.number == ER_TABLEACCESS_DENIED_ERROR || refusal.number == ER_DBACCESS_DENIED_ERROR) {
    return fmt::format(
        "not measured: user \"{}\" may not copy the table; GRANT CREATE, INSERT, UPDATE, DROP, INDEX ON {}.* allows it",
        connection.options().url.user, quoted_name(connection.options().url.database));
  }
  return fmt::format("not measured: a copy of the table cannot be written as the table is ({})", refusal.message);
}

std::optional<Refusal> fill(CopyTable& copy, const PlannedIndex& index, const Sample& sample) {
  const std::string name = quoted_name(copy.name());
  const std::string original = quoted_name(index.table);
  for (const std::string& sql : {
           "DROP TABLE IF EXISTS " + name,  // left over from a run that was killed
           fmt::format("CREATE TABLE {} LIKE {}", name, original),
           // Otherwise the rows that are copied would be locked against the shop's writes until they are.
           std::string("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"),
           fmt::format("INSERT INTO {} SELECT * FROM {} ORDER BY {} LIMIT {}", name, original, key_order(index), sample.n_base),
       }) {
    if (auto refusal = copy.run(sql)) return refusal;
  }
  return std::nullopt;
}

double each(std::vector<double> times, std::size_t n) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2] / static_cast<double>(n);
}

}  // namespace

Result<WriteCost> measure_writes(Connection& connection, const PlannedIndex& index) {
  const Sample sample = take_sample(connection, index);
  if (sample.n_writes < 10) return Reason{fmt::format("not measured: table {} has too few rows", index.table)};
  CopyTable plain(connection, (std::string(kIndexPrefix) + "copy_a_" + index.table).substr(0, 64));
  CopyTable indexed(connection, (std::string(kIndexPrefix) + "copy_b_" + index.table).substr(0, 64));
  for (CopyTable* copy : {&plain, &indexed}) {
    if (const auto refusal = fill(*copy, index, sample)) return Reason{why_not(connection, *refusal)};
  }
  PlannedIndex on_copy = index;
  on_copy.table = indexed.name();
  if (const auto refusal = indexed.run(create_statement(on_copy, Locking::kAllow))) return Reason{why_not(connection, *refusal)};
  const auto without = statements_of(index, sample, plain.name());
  const auto with = statements_of(index, sample, indexed.name());
  std::vector<double> plain_us(kRounds + 1);
  std::vector<double> indexed_us(kRounds + 1);
  // The first round warms both up; of the others each goes first as often as it can.
  for (std::size_t round = 0; round <= kRounds; ++round) {
    const auto time_plain = [&] { return plain.time(without, plain_us[round]); };
    const auto time_indexed = [&] { return indexed.time(with, indexed_us[round]); };
    auto refusal = round % 2 == 0 ? time_plain() : time_indexed();
    if (!refusal) refusal = round % 2 == 0 ? time_indexed() : time_plain();
    if (refusal) return Reason{why_not(connection, *refusal)};
  }
  return WriteCost{without.size(), each({plain_us.begin() + 1, plain_us.end()}, without.size()),
                   each({indexed_us.begin() + 1, indexed_us.end()}, with.size())};
}

}  // namespace lodestone::sources
