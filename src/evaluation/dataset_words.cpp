#include "evaluation/dataset_words.hpp"

namespace lodestone::evaluation {

std::string_view name_of(Kind kind) { return text_of(kKinds, kind); }
std::string_view name_of(Part part) { return text_of(kParts, part); }
std::string_view name_of(Format format) { return text_of(kFormats, format); }
std::string_view name_of(Split split) { return text_of(kSplits, split); }
std::string_view name_of(Column column) { return text_of(kColumns, column); }
std::string_view name_of(Metric metric) { return text_of(kMetrics, metric); }

bool has_cut_off(Metric metric) {
  return metric != Metric::kAuc && metric != Metric::kWordF1 && metric != Metric::kAccuracy &&
         metric != Metric::kQueriesPerSecond;
}

}  // namespace lodestone::evaluation
