#pragma once
// The store of releases that the config names.

#include "base/config.hpp"
#include "bundle/store.hpp"

namespace lodestone::app {

bundle::BundleStore release_store(const Config& config);

}  // namespace lodestone::app
