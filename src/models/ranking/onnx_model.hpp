#pragma once
// What an ONNX model says of itself, as far as a ranker needs it: the rows that it takes and the scores that it gives.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::models {

struct OnnxSignature {
  std::string input;                       ///< float32 [n, n_features]
  std::string output;                      ///< float32 [n, 1] or [n]; a model may have further outputs of other kinds
  bool is_flat_output = false;             ///< [n]
  std::size_t n_features = 0;              ///< 0 = any number
  std::vector<std::string> feature_names;  ///< the metadata "feature_names", parted by commas; empty when there are none
};

/// Reads it from the bytes of a model; `name` stands for it in messages. Throws corrupt for what is no ONNX model, invalid_argument for one
/// whose inputs or outputs are none of a ranker.
[[nodiscard]] OnnxSignature read_onnx_signature(std::string_view bytes, std::string_view name);

/// The bytes of the same model with the metadata "feature_names".
[[nodiscard]] std::string with_feature_names(std::string_view bytes, std::span<const std::string> names);

}  // namespace lodestone::models
