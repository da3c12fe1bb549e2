#include "release_store.hpp"

namespace lodestone::app {

bundle::BundleStore release_store(const Config& config) {
  return bundle::BundleStore(config.file_path("bundle.folder"), config.file_path("engine.onnx_library"));
}

}  // namespace lodestone::app
