#include "config_keys.hpp"

#include <vector>

#include "config_key_groups.hpp"
#include "config_keys_port.hpp"

namespace lodestone::app {
namespace {

using K = ConfigKind;

std::vector<ConfigKey> source_keys() {
  return {
      {.path = "source.business",
       .doc = "The business tables: files:FOLDER, or mysql://USER@HOST:PORT/DATABASE. A password comes from "
              "business_password_file or "
              "LODESTONE_SOURCE_BUSINESS_PASSWORD, never from here."},
      {.path = "source.business_password_file",
       .kind = K::kPath,
       .doc = "File whose first line is the password of source.business."},
      {.path = "source.matomo",
       .doc = "The Matomo tables, in the same forms. Empty: the folder of source.business when that is files, else no tracking "
              "is read."},
      {.path = "source.matomo_password_file",
       .kind = K::kPath,
       .doc = "File whose first line is the password of source.matomo (or LODESTONE_SOURCE_MATOMO_PASSWORD)."},
      {.path = "source.matomo_prefix",
       .fallback = "matomo_",
       .doc =
           "Prefix of Matomo's table names; may be empty. A database without such tables is refused, and the prefixes it has are "
           "named."},
      {.path = "source.exposures",
       .kind = K::kPath,
       .doc = "Folder of the exposure logs that are read into the lake, subfolders too (one for each machine). Empty: "
              "serving.exposure_folder, if it is there."},
      {.path = "source.zone",
       .fallback = "Asia/Shanghai",
       .doc = "Time zone of the naive times in the business tables; Matomo's are UTC. Columns of type TIMESTAMP are read in it, "
              "too, "
              "unless it has daylight saving time: then they come in UTC, and a mapping of your own has to say so."},
      {.path = "source.request_dimension",
       .kind = K::kInteger,
       .fallback = "1",
       .doc = "Index of the Matomo custom dimension of actions that carries the request id: custom_dimension_INDEX.",
       .min = 1,
       .max = 20},
      {.path = "source.click_dimension",
       .kind = K::kInteger,
       .fallback = "0",
       .doc = "Index of the one in which an older front end writes click_POSITION_DATASET. 0: 2, or 1 where 2 carries the "
              "request id.",
       .min = 0,
       .max = 20},
      {.path = "source.item_url_patterns",
       .kind = K::kTexts,
       .fallback = "dataDetail/, dataAPIDetail/, payment/",
       .doc = "Text before the data set's number in a page address, tried in this order."},
  };
}

std::vector<ConfigKey> capture_keys() {
  return {
      {.path = "source.capture",
       .kind = K::kChoice,
       .fallback = "cursor",
       .doc = "How a database's tables are read. cursor: by their change column, what changed since the last reading; tables "
              "without "
              "one, by comparison. binlog: by the database's binary log (MariaDB, binlog_format ROW), which also tells of "
              "deleted rows and "
              "lets pipeline watch follow within a second. full: everything whole each time. Files are always read whole.",
       .choices = {"cursor", "binlog", "full"}},
      {.path = "source.replica_id",
       .kind = K::kInteger,
       .fallback = "0",
       .doc = "With capture binlog: the number by which a database's server knows this replica; no other replica may have it. 0 "
              "makes one "
              "from host and process.",
       .min = 0,
       .max = 4294967295.0},
      {.path = "source.overlap_seconds",
       .kind = K::kInteger,
       .fallback = "600",
       .doc = "How far before the newest change a reading by cursor begins. Longer than the longest transaction and than the "
              "writers' clocks are apart; larger reads more rows again.",
       .min = 0,
       .max = 2592000},
      {.path = "source.compare_hours",
       .kind = K::kNumber,
       .fallback = "24",
       .doc = "How often a table that is read by cursor is compared with the database whole, range by range, to find what its "
              "change "
              "column does not tell: deleted rows and unmarked edits. 0: never.",
       .min = 0,
       .max = 8760},
  };
}

std::vector<ConfigKey> connection_keys() {
  return {
      {.path = "source.connect_timeout_seconds",
       .kind = K::kInteger,
       .fallback = "10",
       .doc = "How long a connection to a database may take.",
       .min = 1,
       .max = 600},
      {.path = "source.read_timeout_seconds",
       .kind = K::kInteger,
       .fallback = "300",
       .doc = "How long a database may keep silent during a read.",
       .min = 1,
       .max = 86400},
      {.path = "source.pool_size",
       .kind = K::kInteger,
       .fallback = "10",
       .doc = "Connections to each database that are kept open between uses; they are opened when they are needed.",
       .min = 1,
       .max = 1000,
       .environment = {"DB_POOL_SIZE"}},
      {.path = "source.pool_max_overflow",
       .kind = K::kInteger,
       .fallback = "20",
       .doc = "Further connections when all are in use; each is closed when it comes back.",
       .min = 0,
       .max = 1000,
       .environment = {"DB_MAX_OVERFLOW"}},
      {.path = "source.pool_recycle_seconds",
       .kind = K::kInteger,
       .fallback = "3600",
       .doc = "A connection older than this is replaced before its next use. Keep it below the server's wait_timeout; smaller "
              "reconnects more often.",
       .min = 1,
       .max = 604800,
       .environment = {"DB_POOL_RECYCLE"}},
      {.path = "source.pool_timeout_seconds",
       .kind = K::kInteger,
       .fallback = "30",
       .doc = "How long a reading waits for a connection when all are in use.",
       .min = 0,
       .max = 3600},
  };
}

std::vector<ConfigKey> lake_keys() {
  return {
      {.path = "lake.folder", .kind = K::kPath, .fallback = "lake", .doc = "Where the Parquet lake lies."},
      {.path = "lake.sql_folder",
       .kind = K::kPath,
       .doc = "Folder whose mapping/NAME.sql and labels/NAME.sql replace the built-in queries of that name: how other tables are "
              "mapped, without C++."},
      {.path = "lake.contracts_folder",
       .kind = K::kPath,
       .doc = "Folder whose TABLE.yaml replaces the built-in table contract of that name."},
  };
}

std::vector<ConfigKey> pipeline_keys() {
  return {
      {.path = "pipeline.memory_mib",
       .kind = K::kInteger,
       .fallback = "1024",
       .doc = "Memory the SQL engine may use, MiB; beyond it, it spills to temp_folder. Smaller is slower.",
       .min = 128,
       .max = 1048576},
      {.path = "pipeline.threads",
       .kind = K::kInteger,
       .fallback = "0",
       .doc = "Threads of extraction, SQL and training; 0 is one a core.",
       .min = 0,
       .max = 256},
      {.path = "pipeline.interval_minutes",
       .kind = K::kNumber,
       .fallback = "60",
       .doc = "pipeline watch begins a run this often; one that takes longer is followed by the next at once. May be a fraction.",
       .min = 0.01,
       .max = 100000},
      {.path = "pipeline.jitter_seconds",
       .kind = K::kInteger,
       .fallback = "30",
       .doc = "pipeline watch begins up to this much later, by chance, so that many sites do not ask one server at once.",
       .min = 0,
       .max = 86400},
      {.path = "pipeline.admin_address",
       .doc =
           "HOST:PORT where pipeline watch answers /metrics, /status and /livez, behind the token of serving.admin_token_file; "
           "keep it on loopback or behind a firewall. Empty: none."},
      {.path = "pipeline.freshness_seconds",
       .kind = K::kInteger,
       .fallback = "300",
       .doc = "How often pipeline watch asks each database for its newest changes, for data_freshness_lag_seconds, besides after "
              "each run. Only with admin_address. Without an index on the change column each time reads the table.",
       .min = 1,
       .max = 86400},
      {.path = "pipeline.temp_folder",
       .kind = K::kPath,
       .fallback = "tmp",
       .doc = "Where the SQL engine spills; emptied after each run."},
  };
}

std::vector<ConfigKey> event_keys() {
  return {
      {.path = "events.stitch",
       .kind = K::kChoice,
       .fallback = "both",
       .doc = "Which visits without a user id belong to the user that their visitor was at another time. both: earlier and later "
              "ones; "
              "forward: later ones only.",
       .choices = {"both", "forward"}},
      {.path = "events.stitch_days",
       .kind = K::kInteger,
       .fallback = "30",
       .doc = "A visitor's visits within this many days of one with a user id belong to that user.",
       .min = 0,
       .max = 3650},
      {.path = "events.attribution_days",
       .kind = K::kNumber,
       .fallback = "7",
       .doc = "An order is credited to the last recommendation by which its buyer came to the data set at most this many days "
              "before.",
       .min = 0.01,
       .max = 365},
      {.path = "events.robot_actions_per_day",
       .kind = K::kInteger,
       .fallback = "500",
       .doc = "A visitor with more actions than this on one day is taken for a robot and left out of the events.",
       .min = 1,
       .max = 1e9},
  };
}

std::vector<ConfigKey> training_keys() {
  return {
      {.path = "training.half_life_days",
       .kind = K::kNumber,
       .fallback = "90",
       .doc = "An event's weight halves after this many days, counted back from the newest event.",
       .min = 0.1,
       .max = 36500},
      {.path = "training.max_history",
       .kind = K::kInteger,
       .fallback = "200",
       .doc = "Newest items of a user that training looks at. Larger costs quadratically.",
       .min = 1,
       .max = 5000},
      {.path = "training.neighbors",
       .kind = K::kInteger,
       .fallback = "100",
       .doc = "Neighbours kept for each item. Larger lists answer stricter filters and take more memory.",
       .min = 1,
       .max = 1000},
      {.path = "training.view_weight",
       .kind = K::kNumber,
       .fallback = "1",
       .doc = "Weight of a view in the interactions.",
       .min = 0,
       .max = 1000},
      {.path = "training.click_weight",
       .kind = K::kNumber,
       .fallback = "2",
       .doc = "Weight of a click on a recommendation.",
       .min = 0,
       .max = 1000},
      {.path = "training.cart_weight",
       .kind = K::kNumber,
       .fallback = "3",
       .doc = "Weight of a cart update.",
       .min = 0,
       .max = 1000},
      {.path = "training.order_weight",
       .kind = K::kNumber,
       .fallback = "5",
       .doc = "Weight of a paid order or API order.",
       .min = 0,
       .max = 1000},
      {.path = "training.behavior_method",
       .kind = K::kChoice,
       .fallback = "auto",
       .doc = "The behaviour model. auto fits each on histories without their newest item and keeps the one that finds it best.",
       .choices = {"auto", "itemknn-cosine", "itemknn-tfidf", "itemknn-bm25", "ease", "slim"}},
      {.path = "training.memory_mib",
       .kind = K::kInteger,
       .fallback = "0",
       .doc = "Memory that training may use, MiB; 0 is three quarters of the machine's or container's. Where a catalogue needs "
              "more, "
              "training takes a smaller model, shorter lists, then the newest events, and says so.",
       .min = 0,
       .max = 1048576},
      {.path = "training.max_ease_items",
       .kind = K::kInteger,
       .fallback = "6000",
       .doc = "Up to this many items the dense linear model takes part in the choice of the behaviour model; its memory grows "
              "with the square, its time with the cube.",
       .min = 0,
       .max = 30000},
      {.path = "training.vector_factors",
       .kind = K::kInteger,
       .fallback = "64",
       .doc = "Numbers in the vector of an item or a visitor (implicit ALS). More tell finer tastes apart and cost in proportion "
              "when "
              "a page is made; 0 makes no vectors.",
       .min = 0,
       .max = 512},
      {.path = "training.ranker",
       .kind = K::kFlag,
       .fallback = "true",
       .doc = "Whether rankers are fitted and, where they put later pages in a better order than recall does, served."},
      {.path = "training.ranker_file",
       .kind = K::kPath,
       .fallback = "",
       .doc = "YAML file with the settings of the rankers that are compared; empty takes the built-in baseline, lightweight and "
              "minimal."},
  };
}

std::vector<ConfigKey> bundle_keys() {
  return {
      {.path = "bundle.folder",
       .kind = K::kPath,
       .fallback = "bundles",
       .doc = "Where releases lie: one folder each, and CURRENT."},
      {.path = "bundle.keep",
       .kind = K::kInteger,
       .fallback = "5",
       .doc = "Releases kept for rollback; the current and the one before are always kept.",
       .min = 2,
       .max = 1000},
      {.path = "bundle.max_drift",
       .kind = K::kNumber,
       .fallback = "3",
       .doc = "How far a feature of items, or of items for people, other than counts of days, may have moved between the "
              "ranker's fit and a release for the "
              "release to be "
              "published, by population stability index. The default stops what is broken (a column that is empty, or in another "
              "unit); 0.25 is "
              "usually called a major shift. The evaluate stage prints what moved most.",
       .min = 0,
       .max = 100},
  };
}

std::vector<ConfigKey> engine_keys() {
  struct Weight {
    const char* path;
    const char* doc;
  };
  constexpr Weight kWeights[] = {
      {"engine.behavior_weight",
       "Weight of the behaviour channel (liked together) in the fusion; 0 switches a channel off, auto takes what training "
       "learned."},
      {"engine.content_weight", "Weight of the content channel (alike in text)."},
      {"engine.vector_weight", "Weight of the vector channel (near in the vectors of tastes)."},
      {"engine.sequence_weight", "Weight of the sequence channel (what comes after)."},
      {"engine.session_weight", "Weight of the sequence channel's lists from the nearest sessions."},
      {"engine.usercf_weight", "Weight of the usercf channel (liked by people alike)."},
      {"engine.tag_weight", "Weight of the tag channel (shared tags)."},
      {"engine.category_weight", "Weight of the category channel (popular in the category)."},
      {"engine.price_weight", "Weight of the price channel (popular among what costs about as much)."},
      {"engine.popular_weight", "Weight of the popular channel."},
      {"engine.new_weight", "Weight of the new channel."},
  };
  std::vector<ConfigKey> keys;
  for (const Weight& weight : kWeights) {
    keys.push_back({.path = weight.path,
                    .kind = K::kNumber,
                    .fallback = "auto",
                    .doc = weight.doc,
                    .min = 0,
                    .max = 100,
                    .choices = {"auto"}});
  }
  keys.push_back({.path = "engine.onnx_library",
                  .kind = K::kPath,
                  .fallback = "",
                  .doc = "ONNX Runtime's libonnxruntime.so, 1.14 or newer, for releases with an imported ranker (`lodestone "
                         "model import`); empty "
                         "refuses those."});
  keys.push_back(
      {.path = "engine.vector_ef",
       .kind = K::kInteger,
       .fallback = "64",
       .doc = "Candidates kept while the graph of vectors is searched (efSearch). Larger finds more of what is nearest and "
              "takes longer. Read again on SIGHUP.",
       .min = 1,
       .max = 1000});
  keys.push_back({.path = "engine.diversity",
                  .kind = K::kNumber,
                  .fallback = "0",
                  .doc = "How much lists of related items and for users spread over categories, tags and companies (maximal "
                         "marginal relevance): 0 is by "
                         "score alone, 1 by difference alone. Read again on SIGHUP.",
                  .min = 0,
                  .max = 1});
  keys.push_back({.path = "engine.exploration",
                  .kind = K::kNumber,
                  .fallback = "0",
                  .doc = "Chance that one place of such a list, never the first, goes to a candidate from behind, to learn what "
                         "visitors make of it; the "
                         "exposure log has each item's propensity. Read again on SIGHUP.",
                  .min = 0,
                  .max = 1});
  return keys;
}

std::vector<ConfigKey> serving_keys() {
  return {
      {.path = "serving.listen", .fallback = "0.0.0.0:8000", .doc = "Address of the public API."},
      {.path = "serving.admin",
       .fallback = "127.0.0.1:8001",
       .doc = "Address of the admin port; keep it on loopback or behind a firewall."},
      {.path = "serving.admin_token_file",
       .kind = K::kPath,
       .fallback = "admin_token",
       .doc = "File with the bearer token of the admin port, readable by its owner only. `lodestone init` makes it."},
      {.path = "serving.threads",
       .kind = K::kInteger,
       .fallback = "0",
       .doc = "Threads that answer requests; 0 is one a core.",
       .min = 0,
       .max = 256},
      {.path = "serving.max_connections",
       .kind = K::kInteger,
       .fallback = "10000",
       .doc = "Connections beyond this get 503 with Retry-After.",
       .min = 1,
       .max = 1e6},
      {.path = "serving.queue_delay_ms",
       .kind = K::kInteger,
       .fallback = "20",
       .doc = "When requests wait for their turn for longer than this, and not just in a burst, some are refused with 503 and "
              "Retry-After, as many as it takes to bring the wait back. Larger lets those wait who are answered; 0 refuses none.",
       .min = 0,
       .max = 10000},
      {.path = "serving.header_timeout_seconds",
       .kind = K::kInteger,
       .fallback = "10",
       .doc = "How long a client may take to send a request.",
       .min = 1,
       .max = 3600},
      {.path = "serving.idle_timeout_seconds",
       .kind = K::kInteger,
       .fallback = "75",
       .doc = "How long a connection may stay open without a request.",
       .min = 1,
       .max = 86400},
      {.path = "serving.drain_seconds",
       .kind = K::kInteger,
       .fallback = "10",
       .doc = "How long requests in flight may finish after a stop.",
       .min = 0,
       .max = 3600},
      {.path = "serving.experiments_file",
       .kind = K::kPath,
       .fallback = "experiments.yaml",
       .doc = "Experiments (docs/experiments.md). Watched while the server runs; it need not exist."},
      {.path = "serving.rules_file",
       .kind = K::kPath,
       .fallback = "rules.yaml",
       .doc = "Items that are hidden, pinned, boosted, buried or limited in number (docs/rules.md). Watched while the server "
              "runs; it need not exist."},
      {.path = "serving.exposure_log",
       .kind = K::kFlag,
       .fallback = "true",
       .doc = "Write down each list that is shown, for the pipeline to learn from (docs/formats/exposures.md). A disk that is "
              "full or may not be written costs records, never an answer."},
      {.path = "serving.exposure_folder",
       .kind = K::kPath,
       .fallback = "exposures",
       .doc = "Folder of the exposure log. Servers may share one."},
      {.path = "serving.exposure_file_mib",
       .kind = K::kInteger,
       .fallback = "256",
       .doc = "A file of the exposure log that has grown to this size is followed by a new one, MiB.",
       .min = 1,
       .max = 65536},
      {.path = "serving.exposure_total_mib",
       .kind = K::kInteger,
       .fallback = "4096",
       .doc = "Size of the exposure log in all, MiB; beyond it the oldest files go, read or not. Larger survives a longer pause "
              "of the pipeline. At least one file.",
       .min = 1,
       .max = 16777216},
      {.path = "serving.exposure_queue_kib",
       .kind = K::kInteger,
       .fallback = "4096",
       .doc = "What each thread may have shown and not yet written, KiB; one or two lists a KiB. Larger survives a longer stall "
              "of the disk.",
       .min = 16,
       .max = 1048576},
      {.path = "serving.events_folder",
       .kind = K::kPath,
       .fallback = "events",
       .doc = "Where the server keeps what is posted to /events until the pipeline has taken it, one server a folder. Empty: "
              "none are "
              "taken."},
      {.path = "serving.events_mib",
       .kind = K::kInteger,
       .fallback = "4096",
       .doc = "Size of that folder; beyond it the oldest files go. 4096 MiB hold about 15 million events.",
       .min = 1,
       .max = 1e9},
      {.path = "serving.event_ids",
       .kind = K::kInteger,
       .fallback = "1000000",
       .doc =
           "So many of the newest event ids at least are remembered, to know an event that is sent again; 20 to 40 bytes each.",
       .min = 1000,
       .max = 1e9},
      {.path = "serving.event_days",
       .kind = K::kNumber,
       .fallback = "7",
       .doc = "Events that happened longer ago are refused.",
       .min = 0.01,
       .max = 30},
      {.path = "serving.events_per_second",
       .kind = K::kNumber,
       .fallback = "100",
       .doc = "Events that one visitor or user may send a second, as a mean over ten seconds; 0 is no limit.",
       .min = 0,
       .max = 1e6},
      {.path = "serving.live_visitors",
       .kind = K::kInteger,
       .fallback = "50000",
       .doc = "Visitors and users whose newest items are remembered, so that a click changes the next list; about 850 bytes "
              "each. Those "
              "idle for longest go first.",
       .min = 64,
       .max = 1e9},
      {.path = "serving.trending_pairs",
       .kind = K::kInteger,
       .fallback = "1000000",
       .doc = "Pairs of a person and an item of the last 7 days that the live lists of /hot/trending count; about 60 bytes each. "
              "Beyond "
              "them the oldest fall out early.",
       .min = 1000,
       .max = 1e9},
      {.path = "serving.demo_page",
       .kind = K::kFlag,
       .fallback = "false",
       .doc = "Serve the console page at / of the public port. For demonstrations: it lists sample users."},
      {.path = "serving.demo_catalogs",
       .kind = K::kTexts,
       .doc = "Catalogue descriptions (YAML with name, licence and source) that the console page credits."},
  };
}

std::vector<ConfigKey> log_keys() {
  return {
      {.path = "log.level",
       .kind = K::kChoice,
       .fallback = "info",
       .doc = "Lines below this level are not written.",
       .choices = {"debug", "info", "warn", "error", "off"}},
  };
}

}  // namespace

std::span<const ConfigKey> config_keys() {
  static const std::vector<ConfigKey> keys = [] {
    std::vector<ConfigKey> all = source_keys();
    for (auto&& part : {capture_keys(), connection_keys(), lake_keys(), pipeline_keys(), event_keys(), training_keys(),
                        bundle_keys(), engine_keys(), serving_keys(), port_keys(), access_keys(), cache_keys(), log_keys()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return keys;
}

}  // namespace lodestone::app
