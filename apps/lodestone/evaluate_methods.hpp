#pragma once
// The names that `lodestone evaluate --method` takes, and the methods behind them.

#include <string>
#include <string_view>
#include <vector>

#include "evaluation/dataset_spec.hpp"
#include "evaluation/method.hpp"

namespace lodestone::app {

/// The methods that can be measured on such data, in the order of the table that `all` gives; `auto` is not among them. Throws
/// invalid_argument for a kind that has none, naming the kinds that have.
std::vector<std::string> methods_of(const evaluation::DatasetSpec& spec, std::size_t n_users, std::size_t n_items);

/// The names in `wanted`: "auto", "all", or names parted by commas. Throws invalid_argument for a name that is none (with the nearest), that
/// this build lacks, or that the data does not allow.
std::vector<std::string> read_methods(std::string_view wanted, const evaluation::DatasetSpec& spec, std::size_t n_users,
                                      std::size_t n_items);

/// A fresh method by its name; `applicable` = methods_of(), from which auto chooses.
std::unique_ptr<evaluation::Method> make_method(const std::string& name, const std::vector<std::string>& applicable, int threads);

/// BM25 over the items' texts.
evaluation::SearchMethod make_search_method(const std::string& name, int threads);

}  // namespace lodestone::app
