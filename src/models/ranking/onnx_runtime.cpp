#include "models/ranking/onnx_runtime.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdint>

#include "base/error.hpp"

namespace lodestone::models {
namespace {

/// Places of the functions used here in the library's table, onnxruntime_c_api.h's struct OrtApi. The table only ever grows at its end, and
/// handing out version 14 of it is what the library promises to all who ask.
enum Slot : std::size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSessionFromArray = 8,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetIntraOpNumThreads = 24,
  kCreateTensorWithData = 49,
  kCreateCpuMemoryInfo = 69,
  kReleaseEnv = 92,
  kReleaseStatus = 93,
  kReleaseMemoryInfo = 94,
  kReleaseSession = 95,
  kReleaseValue = 96,
  kReleaseSessionOptions = 100,
};
constexpr std::uint32_t kApiVersion = 14;
constexpr int kLogFatal = 4;  // what goes wrong is told by statuses
constexpr int kDeviceAllocator = 0;
constexpr int kDefaultMemory = 0;
constexpr int kFloat = 1;

struct ApiBase {
  const void* const* (*get_api)(std::uint32_t version);
  const char* (*get_version)();
};

}  // namespace

/// The library, its environment and what all calls need. Never unloaded: it keeps threads and statics.
class OnnxRuntime {
 public:
  explicit OnnxRuntime(const std::filesystem::path& library) {
    void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
      const char* why = ::dlerror();
      fail(ErrorCode::kUnavailable, "engine.onnx_library: {}: cannot be loaded: {}", library.string(), why == nullptr ? "" : why);
    }
    const auto get_base = reinterpret_cast<const ApiBase* (*)()>(::dlsym(handle, "OrtGetApiBase"));
    const ApiBase* base = get_base == nullptr ? nullptr : get_base();
    table_ = base == nullptr ? nullptr : base->get_api(kApiVersion);
    (void)::dlclose(handle);  // it stays, once for all
    if (table_ == nullptr)
      fail(ErrorCode::kUnavailable, "engine.onnx_library: {}: is no ONNX Runtime of version 1.14 or newer", library.string());
    try {
      require(call(kCreateEnv, kLogFatal, "lodestone", &env_));
      require(call(kCreateCpuMemoryInfo, kDeviceAllocator, kDefaultMemory, &memory_));
      require(call(kCreateSessionOptions, &options_));
      require(call(kSetIntraOpNumThreads, options_, 1));
    } catch (...) {
      release_all();
      throw;
    }
  }
  ~OnnxRuntime() { release_all(); }
  OnnxRuntime(const OnnxRuntime&) = delete;
  OnnxRuntime& operator=(const OnnxRuntime&) = delete;

  /// Calls a function that gives a status; "" or its message.
  template <typename... Args>
  std::string call(Slot slot, Args... args) const {
    void* status = reinterpret_cast<void* (*)(Args...)>(const_cast<void*>(table_[slot]))(args...);
    if (status == nullptr) return {};
    std::string message = reinterpret_cast<const char* (*)(const void*)>(const_cast<void*>(table_[kGetErrorMessage]))(status);
    release(kReleaseStatus, status);
    return message.empty() ? "it does not say why" : message;
  }

  void release(Slot slot, void* object) const {
    if (object != nullptr) reinterpret_cast<void (*)(void*)>(const_cast<void*>(table_[slot]))(object);
  }

  [[nodiscard]] void* env() const { return env_; }
  [[nodiscard]] void* options() const { return options_; }
  [[nodiscard]] void* memory() const { return memory_; }

 private:
  static void require(const std::string& problem) {
    if (!problem.empty()) fail(ErrorCode::kUnavailable, "ONNX Runtime does not start: {}", problem);
  }
  void release_all() const {
    release(kReleaseSessionOptions, options_);
    release(kReleaseMemoryInfo, memory_);
    release(kReleaseEnv, env_);
  }

  const void* const* table_ = nullptr;
  void* env_ = nullptr;
  void* options_ = nullptr;
  void* memory_ = nullptr;
};

namespace {

/// A tensor over memory of ours.
class TensorView {
 public:
  TensorView(const OnnxRuntime& runtime, const float* values, std::span<const std::int64_t> shape) : runtime_(runtime) {
    std::size_t n = 1;
    for (const std::int64_t size : shape) n *= static_cast<std::size_t>(size);
    problem_ = runtime.call(kCreateTensorWithData, static_cast<const void*>(runtime.memory()),
                            static_cast<void*>(const_cast<float*>(values)), n * sizeof(float), shape.data(), shape.size(), kFloat,
                            &value_);
  }
  ~TensorView() { runtime_.release(kReleaseValue, value_); }
  TensorView(const TensorView&) = delete;
  TensorView& operator=(const TensorView&) = delete;

  [[nodiscard]] void* get() const { return value_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  const OnnxRuntime& runtime_;
  void* value_ = nullptr;
  std::string problem_;
};

}  // namespace

namespace {

const std::filesystem::path& require_library(const std::filesystem::path& library, std::string_view name) {
  if (library.empty())
    fail(ErrorCode::kInvalidArgument,
         "{}: is an ONNX model, which ONNX Runtime scores; set engine.onnx_library to its libonnxruntime.so, 1.14 or newer",
         name);
  return library;
}

}  // namespace

OnnxSession::OnnxSession(const std::filesystem::path& library, std::string_view bytes, std::string_view name,
                         std::size_t n_features)
    : signature_(read_onnx_signature(bytes, name)),
      n_features_(n_features),
      runtime_(std::make_unique<const OnnxRuntime>(require_library(library, name))) {
  std::string problem =
      runtime_->call(kCreateSessionFromArray, static_cast<const void*>(runtime_->env()), static_cast<const void*>(bytes.data()),
                     bytes.size(), static_cast<const void*>(runtime_->options()), &session_);
  if (problem.empty()) {
    constexpr std::size_t kTrialRows = 3;
    const std::vector<float> rows(kTrialRows * n_features);
    std::vector<float> scores(kTrialRows);
    problem = run(rows, kTrialRows, scores);
  }
  if (problem.empty()) return;
  runtime_->release(kReleaseSession, session_);
  fail(ErrorCode::kInvalidArgument, "{}: ONNX Runtime does not run this model on rows of {} numbers: {}", name, n_features,
       problem);
}

OnnxSession::~OnnxSession() { runtime_->release(kReleaseSession, session_); }

std::string OnnxSession::run(std::span<const float> rows, std::size_t n_rows, std::span<float> out) const {
  const auto n = static_cast<std::int64_t>(n_rows);
  const std::array<std::int64_t, 2> in_shape{n, static_cast<std::int64_t>(n_features_)};
  const std::array<std::int64_t, 2> out_shape{n, 1};
  const TensorView input(*runtime_, rows.data(), in_shape);
  // The library writes into it, and fails when its scores have another shape.
  const TensorView output(*runtime_, out.data(), std::span(out_shape).first(signature_.is_flat_output ? 1 : 2));
  if (!input.problem().empty()) return input.problem();
  if (!output.problem().empty()) return output.problem();
  const char* input_name = signature_.input.c_str();
  const char* output_name = signature_.output.c_str();
  const void* inputs = input.get();
  void* outputs = output.get();
  return runtime_->call(kRun, session_, static_cast<const void*>(nullptr), static_cast<const char* const*>(&input_name),
                        static_cast<const void* const*>(&inputs), std::size_t{1}, static_cast<const char* const*>(&output_name),
                        std::size_t{1}, &outputs);
}

bool OnnxSession::score(std::span<const float> rows, std::size_t n_rows, std::span<float> out) const {
  return n_rows == 0 || run(rows.first(n_rows * n_features_), n_rows, out.first(n_rows)).empty();
}

}  // namespace lodestone::models
