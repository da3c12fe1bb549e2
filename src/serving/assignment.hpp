#pragma once
// Which release and which variant of the experiments whoever asks for a list gets, and what that and the operator set in its page.

#include <cstddef>
#include <string_view>

#include "engine/page.hpp"
#include "serving/experiment_file.hpp"
#include "serving/release_holder.hpp"

namespace lodestone::serving {

/// What of engine::PageRequest the operator sets, while the server runs.
struct PageTuning {
  std::size_t vector_ef = engine::PageRequest{}.vector_ef;
  double diversity = 0;
  double exploration = 0;
};

/// Points into the lineup and the experiments that it was made from.
struct Assigned {
  const LoadedRelease* release = nullptr;
  const engine::Rules* rules = nullptr;
  Variant variant = Variant::kPrimary;
  std::string_view run_id;  ///< of a release on trial, as whoever loaded it named it
  std::size_t place = 0;    ///< of the assignment among those of the experiments; 0 = nothing is changed
  const Assignment* assignment = nullptr;
};

/// `unit` is a user id, else a visitor id, "" for neither. The lineup has a current release.
Assigned assign_unit(const Lineup& lineup, const RunningExperiments& running, std::string_view unit);

/// Sets in `page` what follows from that. `weights` is memory for those of a variant, and must live as long as the page.
void tune_page(const PageTuning& tuning, const Assigned& assigned, models::ChannelWeights& weights, engine::PageRequest& page);

}  // namespace lodestone::serving
