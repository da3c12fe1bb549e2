// Arbitrary bytes as a dataset.yaml: read whole, or refused with a sentence.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "evaluation/dataset_spec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lodestone;
  try {
    const evaluation::DatasetSpec spec =
        evaluation::parse_dataset_spec({reinterpret_cast<const char*>(data), size}, "set/dataset.yaml");
    // What is taken can be used.
    if (spec.name.empty() || spec.protocol.metrics.empty() || spec.protocol.k.empty() || spec.files.empty()) std::abort();
    if (spec.protocol.split != evaluation::Split::kGiven) (void)spec.cut_part();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument || error.message().empty()) std::abort();
  }
  return 0;
}
