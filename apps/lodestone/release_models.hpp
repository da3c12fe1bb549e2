#pragma once
// All models of a release from its interactions: fitted twice by training, once without the newest events to learn the channels' weights,
// and once on everything.

#include <optional>

#include "behavior_choice.hpp"
#include "models/release.hpp"
#include "training/latent.hpp"
#include "training_input.hpp"

namespace lodestone::app {

/// Fills what depends on who touched what: behaviour, vectors (none without options), sequence, user sample, popular, prices, tags and new items. `data.items` is there, and
/// `neighbours` is the behaviour model.
void fit_channels(const TrainingInteractions& interactions, models::OwnedNeighbours neighbours,
                  const std::optional<training::LatentOptions>& latent, std::size_t neighbors, int threads,
                  models::ReleaseData& data);

}  // namespace lodestone::app
