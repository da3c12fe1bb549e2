#pragma once
// All models of a release from its interactions: fitted twice by training, once without the newest events to learn the channels' weights,
// and once on everything.

#include <optional>

#include "behavior_choice.hpp"
#include "models/release.hpp"
#include "training/latent.hpp"
#include "training_input.hpp"

namespace lodestone::app {

/// Fills what depends on who touched what: behaviour, vectors (none without options), sequence, popular, prices, tags and new items. `data.items` is there, and
/// `neighbours` is the behaviour model.
void fit_channels(const TrainingInteractions& interactions, models::OwnedNeighbours neighbours,
                  const std::optional<training::LatentOptions>& latent, std::size_t neighbors, int threads,
                  models::ReleaseData& data);

/// Fills the sample of people by which those alike are found, and the histories of the guests among them. `data.users` is there.
void sample_near_users(const TrainingInteractions& interactions, models::ReleaseData& data);

}  // namespace lodestone::app
