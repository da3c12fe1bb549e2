#include "config_keys.hpp"

#include <vector>

namespace lodestone::app {
namespace {

using K = ConfigKind;

std::vector<ConfigKey> source_keys() {
  return {
      {.path = "source.business", .doc = "The business tables: files:FOLDER, or mysql://USER@HOST:PORT/DATABASE. A password comes from business_password_file or "
              "LODESTONE_SOURCE_BUSINESS_PASSWORD, never from here."},
      {.path = "source.business_password_file", .kind = K::kPath, .doc = "File whose first line is the password of source.business."},
      {.path = "source.matomo", .doc = "The Matomo tables, in the same forms. Empty: the folder of source.business when that is files, else no tracking is read."},
      {.path = "source.matomo_password_file", .kind = K::kPath, .doc = "File whose first line is the password of source.matomo (or LODESTONE_SOURCE_MATOMO_PASSWORD)."},
      {.path = "source.matomo_prefix", .fallback = "matomo_", .doc = "Prefix of Matomo's table names."},
      {.path = "source.zone", .fallback = "Asia/Shanghai", .doc = "Time zone of the naive times in the business tables. Matomo's are UTC."},
      {.path = "source.request_dimension", .kind = K::kInteger, .fallback = "1", .doc = "Number of the Matomo custom dimension that carries the request id.", .min = 1, .max = 5},
      {.path = "source.item_url_patterns", .kind = K::kTexts, .fallback = "dataDetail/, dataAPIDetail/, payment/", .doc = "Text before the data set's number in a page address, tried in this order."},
      {.path = "source.connect_timeout_seconds", .kind = K::kInteger, .fallback = "10", .doc = "How long a connection to a database may take.", .min = 1, .max = 600},
      {.path = "source.read_timeout_seconds", .kind = K::kInteger, .fallback = "300", .doc = "How long a database may keep silent during a read.", .min = 1, .max = 86400},
  };
}

std::vector<ConfigKey> pipeline_keys() {
  return {
      {.path = "lake.folder", .kind = K::kPath, .fallback = "lake", .doc = "Where the Parquet lake lies."},
      {.path = "lake.sql_folder", .kind = K::kPath, .doc = "Folder whose mapping/NAME.sql and labels/NAME.sql replace the built-in queries of that name: how other tables are mapped, without C++."},
      {.path = "lake.contracts_folder", .kind = K::kPath, .doc = "Folder whose TABLE.yaml replaces the built-in table contract of that name."},
      {.path = "pipeline.memory_mib", .kind = K::kInteger, .fallback = "1024", .doc = "Memory the SQL engine may use, MiB; beyond it, it spills to temp_folder. Smaller is slower.", .min = 128, .max = 1048576},
      {.path = "pipeline.threads", .kind = K::kInteger, .fallback = "0", .doc = "Threads of extraction, SQL and training; 0 is one a core.", .min = 0, .max = 256},
      {.path = "pipeline.temp_folder", .kind = K::kPath, .fallback = "tmp", .doc = "Where the SQL engine spills; emptied after each run."},
      {.path = "events.stitch_days", .kind = K::kInteger, .fallback = "30", .doc = "A visitor's visits within this many days of one with a user id belong to that user.", .min = 0, .max = 3650},
      {.path = "events.robot_actions_per_day", .kind = K::kInteger, .fallback = "500", .doc = "A visitor with more actions than this on one day is taken for a robot and left out of the events.", .min = 1, .max = 1e9},
      {.path = "training.half_life_days", .kind = K::kNumber, .fallback = "90", .doc = "An event's weight halves after this many days, counted back from the newest event.", .min = 0.1, .max = 36500},
      {.path = "training.max_history", .kind = K::kInteger, .fallback = "200", .doc = "Newest items of a user that training looks at. Larger costs quadratically.", .min = 1, .max = 5000},
      {.path = "training.neighbors", .kind = K::kInteger, .fallback = "100", .doc = "Neighbours kept for each item. Larger lists answer stricter filters and take more memory.", .min = 1, .max = 1000},
      {.path = "training.view_weight", .kind = K::kNumber, .fallback = "1", .doc = "Weight of a view in the interactions.", .min = 0, .max = 1000},
      {.path = "training.click_weight", .kind = K::kNumber, .fallback = "2", .doc = "Weight of a click on a recommendation.", .min = 0, .max = 1000},
      {.path = "training.cart_weight", .kind = K::kNumber, .fallback = "3", .doc = "Weight of a cart update.", .min = 0, .max = 1000},
      {.path = "training.order_weight", .kind = K::kNumber, .fallback = "5", .doc = "Weight of a paid order or API order.", .min = 0, .max = 1000},
      {.path = "training.behavior_method", .kind = K::kChoice, .fallback = "auto", .doc = "The behaviour model. auto fits each on histories without their newest item and keeps the one that finds it best.",
       .choices = {"auto", "itemknn-cosine", "itemknn-tfidf", "itemknn-bm25", "ease"}},
      {.path = "training.max_ease_items", .kind = K::kInteger, .fallback = "6000", .doc = "Up to this many items the dense linear model takes part in the choice of the behaviour model; its memory grows with the square, its time with the cube.", .min = 0, .max = 30000},
      {.path = "bundle.folder", .kind = K::kPath, .fallback = "bundles", .doc = "Where releases lie: one folder each, and CURRENT."},
      {.path = "bundle.keep", .kind = K::kInteger, .fallback = "5", .doc = "Releases kept for rollback; the current and the one before are always kept.", .min = 2, .max = 1000},
  };
}

std::vector<ConfigKey> serving_keys() {
  return {
      {.path = "engine.behavior_weight", .kind = K::kNumber, .fallback = "1.0", .doc = "Weight of the behaviour channel in the fusion; 0 switches it off.", .min = 0, .max = 100},
      {.path = "engine.content_weight", .kind = K::kNumber, .fallback = "0.5", .doc = "Weight of the content channel.", .min = 0, .max = 100},
      {.path = "engine.popular_weight", .kind = K::kNumber, .fallback = "0.1", .doc = "Weight of the popular channel.", .min = 0, .max = 100},
      {.path = "serving.listen", .fallback = "0.0.0.0:8000", .doc = "Address of the public API."},
      {.path = "serving.admin", .fallback = "127.0.0.1:8001", .doc = "Address of the admin port; keep it on loopback or behind a firewall."},
      {.path = "serving.admin_token_file", .kind = K::kPath, .fallback = "admin_token", .doc = "File with the bearer token of the admin port, readable by its owner only. `lodestone init` makes it."},
      {.path = "serving.threads", .kind = K::kInteger, .fallback = "0", .doc = "Threads that answer requests; 0 is one a core.", .min = 0, .max = 256},
      {.path = "serving.max_connections", .kind = K::kInteger, .fallback = "10000", .doc = "Connections beyond this get 503 with Retry-After.", .min = 1, .max = 1e6},
      {.path = "serving.header_timeout_seconds", .kind = K::kInteger, .fallback = "10", .doc = "How long a client may take to send a request.", .min = 1, .max = 3600},
      {.path = "serving.idle_timeout_seconds", .kind = K::kInteger, .fallback = "75", .doc = "How long a connection may stay open without a request.", .min = 1, .max = 86400},
      {.path = "serving.drain_seconds", .kind = K::kInteger, .fallback = "10", .doc = "How long requests in flight may finish after a stop.", .min = 0, .max = 3600},
      {.path = "serving.demo_page", .kind = K::kFlag, .fallback = "false", .doc = "Serve the console page at / of the public port. For demonstrations: it lists sample users."},
      {.path = "serving.demo_catalogs", .kind = K::kTexts, .doc = "Catalogue descriptions (YAML with name, licence and source) that the console page credits."},
      {.path = "log.level", .kind = K::kChoice, .fallback = "info", .doc = "Lines below this level are not written.", .choices = {"debug", "info", "warn", "error", "off"}},
  };
}

}  // namespace

std::span<const ConfigKey> config_keys() {
  static const std::vector<ConfigKey> keys = [] {
    std::vector<ConfigKey> all = source_keys();
    for (auto&& part : {pipeline_keys(), serving_keys()}) all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return keys;
}

}  // namespace lodestone::app
