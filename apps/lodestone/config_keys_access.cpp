#include "config_key_groups.hpp"

namespace lodestone::app {

std::vector<ConfigKey> access_keys() {
  using K = ConfigKind;
  return {
      {.path = "serving.keys_file",
       .kind = K::kPath,
       .fallback = "keys.yaml",
       .doc =
           "Keys of the public port: scopes, rates and the data sets they are for (docs/keys.md). Watched while the server runs; "
           "without it nobody needs a key."},
      {.path = "serving.cors_origins",
       .kind = K::kTexts,
       .doc = "Sites whose pages may ask the public port from a browser, as https://shop.example parted by commas, or * for all. "
              "Empty: "
              "none but its own."},
      {.path = "serving.audit_log",
       .kind = K::kPath,
       .fallback = "audit.jsonl",
       .doc = "What changed what the server does, and who did it (docs/audit.md). Empty: nothing is written down."},
      {.path = "serving.audit_mib",
       .kind = K::kInteger,
       .fallback = "64",
       .doc = "Size of the audit log in all, four files; beyond it the oldest goes.",
       .min = 1,
       .max = 65536},
      {.path = "serving.rollout_max_drop",
       .kind = K::kNumber,
       .fallback = "0.2",
       .doc = "A rollout is ended when fewer of its visitors click or order than of the others, by more than this share "
              "(docs/experiments.md). 1: clicks and orders are not watched.",
       .min = 0,
       .max = 1},
      {.path = "serving.rollout_max_rise",
       .kind = K::kNumber,
       .fallback = "0.2",
       .doc = "The same when more of its visitors get errors, lists from a fallback or nothing. 100: these are not watched.",
       .min = 0,
       .max = 100},
      {.path = "serving.rollout_alpha",
       .kind = K::kNumber,
       .fallback = "0.01",
       .doc = "Chance that a rollout is ended by that although it is no worse than tolerated.",
       .min = 1e-9,
       .max = 0.5},
  };
}

}  // namespace lodestone::app
