#include "models/ranking/onnx_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "models/ranking/proto_wire.hpp"

namespace lodestone::models {
namespace {

constexpr std::string_view kFeatureNames = "feature_names";
constexpr std::uint64_t kFloat = 1;  // TensorProto.DataType

/// A dimension of a shape; nothing = any.
using Dimension = std::optional<std::uint64_t>;

/// An input or output of the graph.
struct Port {
  std::string name;
  bool is_float = false;  ///< a tensor of float32
  bool has_shape = false;
  std::vector<Dimension> shape;

  [[nodiscard]] std::string text() const {
    if (!is_float) return fmt::format("\"{}\", no tensor of float32", name);
    if (!has_shape) return fmt::format("\"{}\", float32 of any shape", name);
    std::vector<std::string> sizes;
    for (const Dimension& size : shape) sizes.push_back(size ? fmt::format("{}", *size) : "n");
    return fmt::format("\"{}\", float32 [{}]", name, fmt::join(sizes, ", "));
  }
};

/// The messages of a model that matter here; the numbers are those of onnx.proto's fields.
class ModelReader {
 public:
  ModelReader(std::string_view bytes, std::string_view name) : name_(name) {
    bool has_graph = false;
    each_field(bytes, [&](const ProtoReader& field) {
      if (field.field() == 7) read_graph(field.bytes());
      if (field.field() == 14) read_metadata(field.bytes());
      has_graph = has_graph || field.field() == 7;
    });
    if (!has_graph) damaged();
    // Before version 4 of the representation constants were inputs too.
    std::erase_if(
        inputs, [&](const Port& port) { return std::find(constants_.begin(), constants_.end(), port.name) != constants_.end(); });
  }

  std::vector<Port> inputs, outputs;
  std::vector<std::string> feature_names;

 private:
  [[noreturn]] void damaged() const { fail(ErrorCode::kCorrupt, "{}: is no whole ONNX model; bring the file again", name_); }

  template <typename Take>
  void each_field(std::string_view message, Take&& take) const {
    ProtoReader reader(message);
    while (reader.next()) take(reader);
    if (reader.is_damaged()) damaged();
  }

  void read_graph(std::string_view graph) {
    each_field(graph, [&](const ProtoReader& field) {
      if (field.field() == 5) {
        each_field(field.bytes(), [&](const ProtoReader& tensor) {
          if (tensor.field() == 8) constants_.emplace_back(tensor.bytes());
        });
      }
      if (field.field() == 11) inputs.push_back(read_port(field.bytes()));
      if (field.field() == 12) outputs.push_back(read_port(field.bytes()));
    });
  }

  [[nodiscard]] Port read_port(std::string_view value_info) const {
    Port port;
    each_field(value_info, [&](const ProtoReader& field) {
      if (field.field() == 1) port.name = field.bytes();
      if (field.field() != 2) return;
      each_field(field.bytes(), [&](const ProtoReader& type) {
        if (type.field() == 1) read_tensor(type.bytes(), port);
      });
    });
    return port;
  }

  void read_tensor(std::string_view tensor, Port& port) const {
    each_field(tensor, [&](const ProtoReader& field) {
      if (field.field() == 1) port.is_float = field.number() == kFloat;
      if (field.field() != 2) return;
      port.has_shape = true;
      each_field(field.bytes(), [&](const ProtoReader& shape) {
        if (shape.field() != 1) return;
        Dimension size;
        each_field(shape.bytes(), [&](const ProtoReader& dimension) {
          // Some writers say "any" by 0 or -1.
          const auto value = static_cast<std::int64_t>(dimension.number());
          if (dimension.field() == 1 && value > 0) size = dimension.number();
        });
        port.shape.push_back(size);
      });
    });
  }

  void read_metadata(std::string_view entry) {
    std::string key;
    std::string value;
    each_field(entry, [&](const ProtoReader& field) {
      if (field.field() == 1) key = field.bytes();
      if (field.field() == 2) value = field.bytes();
    });
    if (key != kFeatureNames) return;
    feature_names.clear();
    for (std::size_t begin = 0; begin <= value.size() && !value.empty();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      feature_names.push_back(value.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  std::string_view name_;
  std::vector<std::string> constants_;
};

std::string texts(const std::vector<Port>& ports) {
  std::vector<std::string> out;
  for (const Port& port : ports) out.push_back(port.text());
  return ports.empty() ? "none" : fmt::format("{}", fmt::join(out, "; "));
}

/// A score a row: [n, 1], [n], or of a shape that the model does not tell.
bool is_scores(const Port& port) {
  if (!port.is_float) return false;
  if (!port.has_shape) return true;
  if (port.shape.empty() || port.shape.size() > 2 || port.shape[0]) return false;
  return port.shape.size() == 1 || !port.shape[1] || *port.shape[1] == 1;
}

}  // namespace

OnnxSignature read_onnx_signature(std::string_view bytes, std::string_view name) {
  const ModelReader model(bytes, name);
  if (model.inputs.size() != 1 || !model.inputs[0].is_float || model.inputs[0].shape.size() != 2 || model.inputs[0].shape[0])
    fail(ErrorCode::kInvalidArgument,
         "{}: a ranker takes one input, float32 [n, features], for any number of rows, and this model takes {}; convert it again "
         "so",
         name, texts(model.inputs));
  const auto n_scores = std::count_if(model.outputs.begin(), model.outputs.end(), is_scores);
  if (n_scores != 1)
    fail(ErrorCode::kInvalidArgument,
         "{}: a ranker gives one output of float32 [n, 1] or [n], and this model gives {}; convert it as a regressor", name,
         texts(model.outputs));
  const Port& scores = *std::find_if(model.outputs.begin(), model.outputs.end(), is_scores);
  OnnxSignature out;
  out.input = model.inputs[0].name;
  out.output = scores.name;
  out.is_flat_output = scores.has_shape && scores.shape.size() == 1;
  out.n_features = model.inputs[0].shape[1].value_or(0);
  out.feature_names = model.feature_names;
  return out;
}

std::string with_feature_names(std::string_view bytes, std::span<const std::string> names) {
  // Fields of a message may come in any order, those that repeat in several places.
  std::string entry;
  add_bytes(entry, 1, kFeatureNames);
  add_bytes(entry, 2, fmt::format("{}", fmt::join(names, ",")));
  std::string out(bytes);
  add_bytes(out, 14, entry);
  return out;
}

}  // namespace lodestone::models
