#include "table/tally.hpp"

#include <duckdb.h>

#include <utility>

#include "base/error.hpp"

namespace lodestone::table {
namespace {

std::string_view text_at(duckdb_string_t* texts, idx_t row) {
  return {duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row])};
}

void count_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  auto* tally = static_cast<Tally*>(duckdb_scalar_function_get_extra_info(info));
  const idx_t n = duckdb_data_chunk_get_size(input);
  duckdb_vector reasons = duckdb_data_chunk_get_vector(input, 0);
  auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(reasons));
  const std::uint64_t* valid = duckdb_vector_get_validity(reasons);
  auto* keep = static_cast<bool*>(duckdb_vector_get_data(output));
  std::map<std::string, std::uint64_t> counts;
  for (idx_t i = 0; i < n; ++i) {
    keep[i] = valid != nullptr && (valid[i / 64] >> (i % 64) & 1U) == 0;
    if (!keep[i]) ++counts[std::string(text_at(texts, i))];
  }
  tally->add_rows(n);
  if (!counts.empty()) tally->add(counts);
}

}  // namespace

void Tally::add(const std::map<std::string, std::uint64_t>& counts) {
  const std::lock_guard lock(mutex_);
  for (const auto& [reason, n] : counts) counts_[reason] += n;
}

std::map<std::string, std::uint64_t> Tally::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(counts_, {});
}

void register_tally(duckdb_connection connection, Tally* tally) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, "tally");
  duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_logical_type boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
  duckdb_scalar_function_add_parameter(function, text);
  duckdb_scalar_function_set_return_type(function, boolean);
  duckdb_scalar_function_set_special_handling(function);  // null is a value here: keep the row
  duckdb_scalar_function_set_volatile(function);          // counting is a side effect: neither drop nor repeat the call
  duckdb_scalar_function_set_extra_info(function, tally, nullptr);
  duckdb_scalar_function_set_function(function, count_rows);
  const duckdb_state state = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_logical_type(&text);
  duckdb_destroy_logical_type(&boolean);
  duckdb_destroy_scalar_function(&function);
  LODESTONE_ASSERT(state == DuckDBSuccess, "the function tally was refused");
}

}  // namespace lodestone::table
