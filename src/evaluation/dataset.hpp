#pragma once
// The data of a dataset.yaml in memory, with dense numbers for users and items.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "evaluation/dataset_spec.hpp"
#include "evaluation/problem.hpp"

namespace lodestone::evaluation {

/// Numbers for ids. They are given as ids come and put in order by finish(): by value when all ids are whole numbers, else by text.
class Vocabulary {
 public:
  std::int32_t add(std::string_view id);
  /// Final number of each number that add() gave. "7" and "07" become one when all ids are whole numbers.
  std::vector<std::int32_t> finish();
  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] const std::string& id(std::int32_t number) const { return ids_[static_cast<std::size_t>(number)]; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> numbers_;
  std::vector<std::string> ids_;
};

/// One part's rows in the order of its file. Columns that the file lacks are empty.
struct Events {
  std::vector<std::int32_t> users;  ///< or sessions, numbered within this part
  std::vector<ItemIndex> items;
  std::vector<double> times;  ///< epoch seconds
  std::vector<float> values;
};

/// Test cases as they lie in a prefix-target file.
struct PrefixCases {
  Rows prefixes;  ///< oldest first
  std::vector<ItemIndex> targets;
};

struct TruthRow {
  std::int32_t subject = 0;  ///< number of the query, or of the (group, query)
  ItemIndex query = 0;       ///< similar-items
  ItemIndex item = 0;
};

struct Dataset {
  DatasetSpec spec;
  std::size_t n_items = 0;
  std::size_t n_users = 0;  ///< of interactions and sequences
  std::map<Part, Events> events;
  std::map<Part, PrefixCases> cases;
  std::vector<models::Item> texts;  ///< one an item number; empty without files.items
  std::vector<TruthRow> truth;
  std::vector<std::string> queries;  ///< text-search: text of each subject
};

/// Reads every file of the data set that its kind needs. Throws corrupt with file and line for a row that cannot be read.
Dataset load_dataset(DatasetSpec spec);

}  // namespace lodestone::evaluation
