#pragma once
// What an experiment says about its units, before any statistics: who was dealt what.

#include <cstddef>
#include <string>
#include <vector>

#include "serving/experiments.hpp"

namespace lodestone::app {

/// A row of sql/reports/experiment_units.sql.
struct ReportedUnit {
  std::string unit;
  double lists = 0;
  double clicks = 0;
  double orders = 0;
  double value = 0;   ///< yuan
  double before = 0;  ///< events before the experiment
  std::string first_label;
  std::string last_label;
};

struct ExperimentReport {
  std::vector<std::vector<const ReportedUnit*>> outcomes;  ///< by variant
  double split_p = 1;                                      ///< of sample_ratio_p() against the allocations
  std::size_t n_mislabelled = 0;                           ///< units with a list that was logged under another variant
  std::size_t control = 0;                                 ///< the variant of that name, else the first
};

/// Deals each unit anew, as the server did: nobody has to have kept a list.
ExperimentReport report_experiment(const serving::Experiment& experiment, const std::vector<ReportedUnit>& units);

}  // namespace lodestone::app
