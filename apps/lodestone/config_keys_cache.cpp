#include "config_key_groups.hpp"

namespace lodestone::app {

using K = ConfigKind;

std::vector<ConfigKey> cache_keys() {
  return {
      {.path = "serving.channels_file",
       .kind = K::kPath,
       .fallback = "channels.yaml",
       .doc =
           "Recall channels outside of this process, by HTTP or in Redis (docs/channels.md). Watched while the server runs; it "
           "need not exist."},
      {.path = "serving.redis_hot_url",
       .doc = "Redis of the hot tier, redis://HOST:PORT/DATABASE or, over TLS, rediss://HOST:PORT/DATABASE, and of messages "
              "between servers. Only answers of channels that wait are kept there, as a page is made faster than Redis is read. "
              "Empty: no Redis.",
       .environment = {"REDIS_URL"}},
      {.path = "serving.redis_cold_url",
       .doc = "Redis of the cold tier. Empty: the hot one's server with the next database; none: no cold tier."},
      {.path = "serving.redis_feature_url",
       .doc = "Redis through which servers share the events that visitors send. Empty: the hot one's server with the next "
              "database but "
              "one; none: each server knows its own events alone until the next bundle."},
      {.path = "serving.redis_password_file",
       .kind = K::kPath,
       .doc = "File whose first line is the password of the three, where the addresses name none."},
      {.path = "serving.redis_ca_file",
       .kind = K::kPath,
       .doc =
           "File of certificates, in PEM, one of which must vouch for each Redis of a rediss:// address, those of channels too. "
           "Empty: those that the system trusts."},
      {.path = "serving.redis_get_timeout_ms",
       .kind = K::kInteger,
       .fallback = "20",
       .doc = "How long a request waits for a reading of Redis. A Redis that answers later counts as failing.",
       .min = 1,
       .max = 10000},
      {.path = "serving.redis_set_timeout_ms",
       .kind = K::kInteger,
       .fallback = "50",
       .doc = "The same of writings, for which no request waits.",
       .min = 1,
       .max = 10000},
      {.path = "serving.request_timeout_ms",
       .kind = K::kInteger,
       .fallback = "100",
       .doc = "How long a request may take in all. Channels and Redis are waited for in the first 95 % of it; when it is over, "
              "lists are made of what is there.",
       .min = 1,
       .max = 60000},
      {.path = "serving.ranking_timeout_ms",
       .kind = K::kInteger,
       .fallback = "30",
       .doc = "How much of it the rankers may take for one list, features included; then it is shown as recall has it. After "
              "five lists in a row whose rankers took longer or failed they are left out for 30 s.",
       .min = 1,
       .max = 60000},
      {.path = "serving.cache_local_mib",
       .kind = K::kInteger,
       .fallback = "64",
       .doc = "Memory for answers of channels in this process, MiB; 0 keeps none.",
       .min = 0,
       .max = 100},
      {.path = "serving.cache_local_seconds",
       .kind = K::kInteger,
       .fallback = "30",
       .doc = "How long such an answer is fresh; for as long again it is still given while a new one is fetched.",
       .min = 1,
       .max = 60},
      {.path = "serving.cache_hot_seconds",
       .kind = K::kInteger,
       .fallback = "300",
       .doc = "How long the hot tier keeps an answer.",
       .min = 1,
       .max = 86400},
      {.path = "serving.cache_cold_popular_seconds",
       .kind = K::kInteger,
       .fallback = "3600",
       .doc = "How long the cold tier keeps an answer about a popular item, which changes sooner.",
       .min = 1,
       .max = 2592000},
      {.path = "serving.cache_cold_seconds",
       .kind = K::kInteger,
       .fallback = "86400",
       .doc = "How long the cold tier keeps any other.",
       .min = 1,
       .max = 2592000},
      {.path = "serving.cache_negative_seconds",
       .kind = K::kInteger,
       .fallback = "30",
       .doc = "How long it is remembered that a channel has nothing.",
       .min = 1,
       .max = 3600},
      {.path = "serving.cache_popular_items",
       .kind = K::kInteger,
       .fallback = "1000",
       .doc = "So many of the most popular items have their answers in the hot tier at once.",
       .min = 0,
       .max = 1e6},
      {.path = "serving.cache_preheat_items",
       .kind = K::kInteger,
       .fallback = "200",
       .doc =
           "Answers about so many of the most popular items are fetched at the start and after each new bundle. Larger asks the "
           "channels more.",
       .min = 0,
       .max = 100000},
  };
}

}  // namespace lodestone::app
