#include "simulation/open_sink.hpp"

#include "base/error.hpp"
#include "simulation/file_sink.hpp"

namespace lodestone::simulation {

std::unique_ptr<MarketplaceSink> open_sink(const SinkOptions& options) {
  constexpr std::string_view kFiles = "files:";
  if (options.to.starts_with(kFiles) && options.to.size() > kFiles.size()) {
    return std::make_unique<FileSink>(options.to.substr(kFiles.size()), options.format);
  }
  fail(ErrorCode::kInvalidArgument, "simulate: --to is \"{}\"; it must be files:DIR", options.to);
}

}  // namespace lodestone::simulation
