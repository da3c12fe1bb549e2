#pragma once
// Models in ONNX Runtime, a library that is loaded when the first of them is, so that nobody else needs it.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "models/ranking/onnx_model.hpp"

namespace lodestone::models {

class OnnxRuntime;

/// One ranker in memory. Const after construction and safe from many threads; each scores on the thread that calls.
class OnnxSession {
 public:
  /// `library` is libonnxruntime.so, 1.14 or newer; `bytes` are the model, `name` stands for it in messages. Throws invalid_argument where `library` is
  /// empty, unavailable where it does not load, and as read_onnx_signature() does; invalid_argument, too, for a model that the library
  /// does not take or that fails on rows of `n_features` zeros.
  OnnxSession(const std::filesystem::path& library, std::string_view bytes, std::string_view name, std::size_t n_features);
  ~OnnxSession();
  OnnxSession(const OnnxSession&) = delete;
  OnnxSession& operator=(const OnnxSession&) = delete;

  /// Scores out[n_rows] of rows [n_rows, n_features]. False when the library cannot; `out` is then undefined.
  [[nodiscard]] bool score(std::span<const float> rows, std::size_t n_rows, std::span<float> out) const;

 private:
  /// "" or why not.
  [[nodiscard]] std::string run(std::span<const float> rows, std::size_t n_rows, std::span<float> out) const;

  OnnxSignature signature_;
  std::size_t n_features_ = 0;
  std::unique_ptr<const OnnxRuntime> runtime_;
  void* session_ = nullptr;
};

}  // namespace lodestone::models
