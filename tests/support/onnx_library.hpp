#pragma once
// Where the tests find ONNX Runtime.

#include <filesystem>
#include <string>

namespace lodestone::test {

/// libonnxruntime.so of build/venv, which ./run setup --test fills; "" where it is not there.
inline std::filesystem::path onnx_library() {
  namespace fs = std::filesystem;
  const fs::path lib = fs::path(LODESTONE_SOURCE_DIR) / "build/venv/lib";
  if (!fs::is_directory(lib)) return {};
  for (const auto& python : fs::directory_iterator(lib)) {
    const fs::path folder = python.path() / "site-packages/onnxruntime/capi";
    if (!fs::is_directory(folder)) continue;
    for (const auto& file : fs::directory_iterator(folder)) {
      if (file.path().filename().string().starts_with("libonnxruntime.so")) return file.path();
    }
  }
  return {};
}

inline constexpr const char* kNoOnnxLibrary = "ONNX Runtime is not in build/venv; ./run setup --test brings it";

}  // namespace lodestone::test
