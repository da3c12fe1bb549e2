// Arbitrary bytes as one of the files that a running server follows: experiments, rules, keys, the trial of a bundle store. Each is read whole or refused
// with a sentence; what is read keeps its promises.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "bundle/trial.hpp"
#include "engine/scratch.hpp"
#include "serving/api_keys.hpp"
#include "serving/experiments.hpp"
#include "serving/rules_file.hpp"

namespace {

using namespace lodestone;

template <typename Parse>
void expect_file_or_sentence(const Parse& parse) {
  try {
    parse();
  } catch (const Error& error) {
    if (error.message().empty()) std::abort();
  }
}

void check_experiments(std::string_view text) {
  const serving::Experiments experiments = serving::Experiments::parse(text, "experiments.yaml");
  const std::size_t n = experiments.assignments().size();
  if (n == 0 || n > serving::Experiments::kMaxAssignments || experiments.assignments()[0].label != "control") std::abort();
  for (const std::string_view unit : {"1", "4711", "visitor"}) {
    if (experiments.assign(unit) >= n) std::abort();
  }
}

void check_rules(std::string_view text) {
  std::size_t n_pins = 0;
  for (const engine::Rule& rule : serving::parse_rules(text, "rules.yaml").rules) {
    n_pins += rule.pins.size();
    for (const engine::Boost& boost : rule.boosts) {
      if (!(boost.factor > 0)) std::abort();
    }
  }
  if (n_pins > engine::kMaxPins) std::abort();
}

void check_trial(std::string_view text) {
  const bundle::Trial trial = bundle::parse_trial(text, "TRIAL");
  if (bundle::parse_trial(bundle::format_trial(trial), "TRIAL") != trial) std::abort();
}

void check_keys(std::string_view text) {
  const serving::KeyBook book = serving::KeyBook::parse(text, "keys.yaml");
  const std::string written = serving::KeyBook::format(book.all());
  if (serving::KeyBook::format(serving::KeyBook::parse(written, "keys.yaml").all()) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_file_or_sentence([text] { check_experiments(text); });
  expect_file_or_sentence([text] { check_rules(text); });
  expect_file_or_sentence([text] { check_trial(text); });
  expect_file_or_sentence([text] { check_keys(text); });
  return 0;
}
