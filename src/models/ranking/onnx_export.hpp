#pragma once
// A tree ensemble as an ONNX model, for programs that do not read LightGBM's text (docs/decisions/0018-onnx-export.md).

#include <string>

#include "models/ranking/tree_ensemble.hpp"

namespace lodestone::models {

/// Bytes of an ONNX model (opset 3 of ai.onnx.ml, TreeEnsembleRegressor) with the input `rows`, float32 [n, n_features], and the output `scores`,
/// float32 [n, 1]. For every row of floats, missing values (NaN) and infinities among them, it ends in the leaves that find_leaf() finds; leaf
/// values are rounded to float and summed so, which takes up to (n_trees + 1) * 2^-23 of the sum of the leaves' sizes away from the raw score.
/// Its metadata hold "feature_names" (in the order of the columns, parted by commas) and "objective".
[[nodiscard]] std::string export_onnx(const TreeEnsemble& model);

}  // namespace lodestone::models
