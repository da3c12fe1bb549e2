#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "base/error.hpp"
#include "features/build/feature_builder.hpp"

namespace lodestone::features {
namespace {

/// The rows of a table, in their order.
class FeatureRows final : public table::RowStream {
 public:
  FeatureRows(const FeatureSet& set, const FeatureTable& table) : table_(table), features_(features_of(table.group)) {
    schema_.push_back({fmt::format("{}_id", group_name(table.group)), table::ColumnType::kInt64});
    for (const Feature& feature : features_) {
      const bool is_category = feature.type == Type::kCategory;
      schema_.push_back({std::string(feature.name), is_category ? table::ColumnType::kText : table::ColumnType::kDouble});
      const auto found = is_category ? set.vocabularies.find(feature.domain) : set.vocabularies.end();
      vocabularies_.push_back(found == set.vocabularies.end() ? nullptr : &found->second);
    }
  }

  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return table_.ids.size(); }
  bool next(table::Batch& batch) override {
    batch.clear();
    for (; !batch.full() && row_ < table_.ids.size(); ++row_) {
      batch.append_int(0, table_.ids[row_]);
      const std::span<const float> values = table_.row(row_);
      for (std::size_t f = 0; f < values.size(); ++f) append(batch, f, values[f]);
      batch.end_row();
    }
    return batch.n_rows() > 0;
  }

 private:
  void append(table::Batch& batch, std::size_t f, float value) const {
    if (std::isnan(value)) return batch.append_null(f + 1);
    if (features_[f].type == Type::kFloat) return batch.append_double(f + 1, static_cast<double>(value));
    batch.append_text(f + 1, (*vocabularies_[f])[static_cast<std::size_t>(value)]);
  }

  const FeatureTable& table_;
  std::span<const Feature> features_;
  std::vector<const std::vector<std::string>*> vocabularies_;
  table::Schema schema_;
  std::size_t row_ = 0;
};

}  // namespace

std::uint64_t write_features(table::Engine& engine, const FeatureSet& set, const FeatureTable& table, const fs::path& path) {
  std::vector<std::string> columns = {fmt::format("{}_id", group_name(table.group))};
  for (const Feature& feature : features_of(table.group)) {
    columns.push_back(feature.type == Type::kCategory ? std::string(feature.name)
                                                      : fmt::format("CAST({0} AS FLOAT) AS {0}", feature.name));
  }
  FeatureRows rows(set, table);
  make_folders(path.parent_path());
  return engine.write_parquet(rows, fmt::format("SELECT {} FROM stream_rows", fmt::join(columns, ", ")), path, nullptr);
}

}  // namespace lodestone::features
