#include "config_keys_port.hpp"

namespace lodestone::app {

using K = ConfigKind;

std::vector<ConfigKey> port_keys() {
  return {
      {.path = "serving.tls_certificate",
       .kind = K::kPath,
       .doc =
           "File with the certificate of the public port and its chain, in PEM; with it and tls_key the port speaks TLS 1.2 and "
           "later, and no plain HTTP. The files are read again on SIGHUP."},
      {.path = "serving.tls_key",
       .kind = K::kPath,
       .doc = "File with the private key of that certificate, in PEM, without a passphrase."},
      {.path = "serving.access_log",
       .kind = K::kPath,
       .doc = "File of the access log, one JSON object for each answer of the public port, one server a file. It holds visitors' "
              "addresses and no query. Empty: none is written."},
      {.path = "serving.access_log_sample",
       .kind = K::kNumber,
       .fallback = "1",
       .doc = "Share of the answers that the access log has.",
       .min = 0,
       .max = 1},
      {.path = "serving.access_log_mib",
       .kind = K::kInteger,
       .fallback = "100",
       .doc = "An access log that has grown to this size, MiB, becomes FILE.1 and a new one begins; five old ones are kept.",
       .min = 1,
       .max = 65536},
      {.path = "serving.slo_latency_ms",
       .kind = K::kInteger,
       .fallback = "50",
       .doc = "An answer later than this, ms, counts as slow in slo_requests_total.",
       .min = 1,
       .max = 60000},
      {.path = "serving.trace_endpoint",
       .doc =
           "Address of a collector that takes spans by OTLP over HTTP in JSON, such as http://127.0.0.1:4318/v1/traces. Empty: "
           "none are sent."},
      {.path = "serving.trace_sample",
       .kind = K::kNumber,
       .fallback = "0.01",
       .doc = "Share of the requests that are traced, of those whose caller has not decided it by a traceparent header.",
       .min = 0,
       .max = 1},
  };
}

}  // namespace lodestone::app
