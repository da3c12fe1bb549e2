#pragma once
// Evidence that one part of the visitors fares worse, which may be looked at as often as one likes.
//
// Visitors are dealt by their ids alone. So of the visitors to whom something happens (a click, an error), each the first time it does, each is in the
// variant with the same chance, whatever the hour, the traffic and the rate: with shares v and c of the visitors, and a rate among the variant's that is
// r times control's, that chance is v r / (v r + c). This is the test of two Poisson rates by their sum (Przyborowski and Wilenski 1940), done one by one:
// Lindon and Malek 2022, "Anytime-valid inference for multinomial count data".

#include <cstdint>

namespace lodestone::serving {

/// Of `n_all` visitors to whom it happened, `n_variant` were in the variant, where each is with the chance `share` under the hypothesis. The natural logarithm
/// of a mixture of likelihood ratios (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021), each against a rate that is a fixed factor below what the
/// hypothesis allows. If the chance is `share` or more, this is a supermartingale that begins at 1, so the chance that it ever reaches 1 / alpha is at most
/// alpha (Ville 1939).
double log_evidence_of_drop(std::uint64_t n_variant, std::uint64_t n_all, double share);
/// The same of a rise: against the hypothesis that the chance is `share` or less.
double log_evidence_of_rise(std::uint64_t n_variant, std::uint64_t n_all, double share);

/// The chance above for shares of the visitors `variant` and `control`, and a ratio of the rates.
double share_at_ratio(double variant, double control, double ratio);

}  // namespace lodestone::serving
