#include "serving/admin.hpp"

#include "base/json.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "metrics/text.hpp"
#include "serving/audited.hpp"
#include "serving/guardrails.hpp"
#include "serving/json_body.hpp"
#include "serving/reload_order.hpp"
#include "serving/token.hpp"

namespace lodestone::serving {

namespace {

void answer_status(http::Response& response, std::string_view status, const std::string& id) {
  json::Writer(response.out()).begin_object().key("status").value(status).key("id").value(id).end_object();
}

/// Does what the order says and answers.
void obey(const ReloadOrder& order, ReleaseLoader& loader, http::Response& response) {
  if (!order.is_trial()) {
    if (order.source) loader.load(*order.source);
    return answer_status(response, "loaded", order.source ? *order.source : loader.reload_current());
  }
  if (order.rollout == 0) {
    loader.end_trial(*order.source);
    return answer_status(response, "ended", *order.source);
  }
  const auto mode = order.is_shadow ? bundle::TrialMode::kShadow : bundle::TrialMode::kRollout;
  loader.start_trial({*order.source, mode, order.rollout, order.run_id, order.max_drop, order.max_rise});
  answer_status(response, trial_mode_name(mode), *order.source);
}

/// Runs a load; a bundle that fails verification is a conflict with what was asked, not an inner error, and its sentence helps.
template <typename Load>
void run_load(http::Response& response, Load load) {
  try {
    load();
  } catch (const http::ParameterError&) {
    throw;
  } catch (const Error& error) {
    const int status = error.code() == ErrorCode::kCorrupt ? 409 : http_status(error.code());
    http::answer_problem(response, status, error.message());
  }
}

json::Value describe(const ReloadOrder& order) {
  json::Value out = json::Object{};
  out.set("source", order.source ? json::Value(*order.source) : json::Value());
  out.set("mode", json::Value(order.is_shadow ? "shadow" : "primary"));
  out.set("rollout", json::Value(order.rollout));
  out.set("run_id", order.run_id.empty() ? json::Value() : json::Value(order.run_id));
  if (order.max_drop) out.set("max_drop", json::Value(*order.max_drop));
  if (order.max_rise) out.set("max_rise", json::Value(*order.max_rise));
  return out;
}

void write_trial(json::Writer& writer, const Lineup& lineup, const Shadow& shadow) {
  const bundle::Trial& terms = lineup.terms;
  writer.begin_object().key("id").value(std::string_view(terms.id)).key("mode").value(trial_mode_name(terms.mode));
  writer.key("share").value(terms.share).key("run_id");
  terms.run_id.empty() ? writer.null() : writer.value(std::string_view(terms.run_id));
  writer.key("loaded_at").value(std::string_view(format_rfc3339(lineup.trial->loaded_at)));
  if (lineup.watch != nullptr) write_guardrails(writer.key("guardrails"), *lineup.watch);
  if (terms.mode == bundle::TrialMode::kShadow) {
    const ShadowSummary sums = shadow.summary();
    writer.key("n_compared").value(static_cast<std::int64_t>(sums.n_compared));
    writer.key("n_dropped").value(static_cast<std::int64_t>(sums.n_dropped));
    writer.key("overlap").value(sums.overlap).key("rank_difference").value(sums.rank_difference);
    writer.key("same_first").value(sums.same_first);
  }
  writer.end_object();
}

void answer_models(const ReleaseHolder& releases, const ReleaseLoader& loader, const Shadow& shadow, http::Response& response) {
  const ReleasePointer serving = releases.get();
  json::Writer writer(response.out());
  writer.begin_object().key("serving");
  if (serving) {
    writer.begin_object().key("id").value(serving->release().id).key("loaded_at").value(format_rfc3339(serving->loaded_at));
    writer.key("n_items").value(static_cast<std::int64_t>(serving->release().catalog.n_items()));
    writer.key("n_users").value(static_cast<std::int64_t>(serving->release().users.size())).end_object();
  } else {
    writer.null();
  }
  writer.key("trial");
  const auto lineup = releases.lineup();
  lineup && lineup->trial ? write_trial(writer, *lineup, shadow) : static_cast<void>(writer.null());
  const auto refusal = loader.last_refusal();
  writer.key("refusal");
  refusal ? writer.value(std::string_view(*refusal)) : writer.null();
  writer.key("models").begin_array();
  for (const bundle::BundleEntry& entry : loader.store().list()) {
    writer.begin_object().key("id").value(std::string_view(entry.id));
    writer.key("created").value(std::string_view(format_rfc3339(entry.created)));
    writer.key("bytes").value(static_cast<std::int64_t>(entry.bytes));
    writer.key("is_current").boolean(entry.is_current);
    writer.key("is_trial").boolean(entry.is_trial);
    writer.key("is_serving").boolean(serving && serving->release().id == entry.id);
    if (!entry.problem.empty()) writer.key("problem").value(std::string_view(entry.problem));
    writer.end_object();
  }
  writer.end_array().end_object();
}

void write_experiment(json::Writer& writer, const Experiment& experiment, const GuardrailWatch* watch) {
  writer.begin_object().key("name").value(std::string_view(experiment.name));
  writer.key("status").value(experiment.is_active ? "active" : "paused").key("salt").value(std::string_view(experiment.salt));
  writer.key("variants").begin_array();
  for (const ExperimentVariant& variant : experiment.variants) {
    writer.begin_object().key("name").value(std::string_view(variant.name)).key("allocation").value(variant.allocation);
    writer.key("parameters").begin_object();
    const PageParameters& parameters = variant.parameters;
    for (std::size_t w = 0; w < parameters.weights.size(); ++w) {
      if (parameters.weights[w]) writer.key(std::string(models::kWeightFields[w].name) + "_weight").value(*parameters.weights[w]);
    }
    if (parameters.ranker) writer.key("ranker").boolean(*parameters.ranker);
    if (parameters.vector_ef) writer.key("vector_ef").value(static_cast<std::int64_t>(*parameters.vector_ef));
    if (parameters.diversity) writer.key("diversity").value(*parameters.diversity);
    if (parameters.exploration) writer.key("exploration").value(*parameters.exploration);
    writer.end_object().key("stopped");
    variant.stopped.empty() ? writer.null() : writer.value(std::string_view(variant.stopped));
    writer.end_object();
  }
  writer.end_array().key("guardrails");
  watch == nullptr ? static_cast<void>(writer.null()) : write_guardrails(writer, *watch);
  writer.end_object();
}

/// The watch of an experiment; null where it has none.
const GuardrailWatch* watch_of(const RunningExperiments& running, std::size_t experiment) {
  for (const WatchedExperiment& one : running.watched) {
    if (one.experiment == experiment) return one.watch.get();
  }
  return nullptr;
}

}  // namespace

bool check_token(const http::Request& request, const std::string& token, http::Response& response) {
  if (is_authorized(request.authorization, token)) return true;
  response.more_headers = "WWW-Authenticate: Bearer\r\n";
  http::answer_problem(response, 401, "this port wants the header Authorization: Bearer TOKEN");
  return false;
}

http::Handler behind_token(const std::string& token, http::Handler handler) {
  return [&token, handler = std::move(handler)](const http::Request& request, http::Response& response) {
    if (!check_token(request, token, response)) return;
    static_cast<void>(http::Parameters(request, {}));
    handler(request, response);
  };
}

void add_scrape(http::Router& router, const std::string& token, metrics::Registry& registry) {
  router.add(http::Method::kGet, "/livez",
             [](const http::Request&, http::Response& response) { response.out() += "{\"status\":\"ok\"}"; });
  router.add(http::Method::kGet, "/metrics", behind_token(token, [&](const http::Request&, http::Response& response) {
               response.content_type = metrics::kTextContentType;
               response.out() += registry.expose();
             }));
}

void add_admin(http::Router& router, const std::string& token, metrics::Registry& registry, const ReleaseHolder& releases,
               ReleaseLoader& loader, const Shadow& shadow, AuditLog& audit) {
  const auto guarded = [&](http::Method method, std::string_view pattern, http::Handler handler) {
    router.add(method, pattern, behind_token(token, std::move(handler)));
  };
  add_scrape(router, token, registry);
  guarded(http::Method::kGet, "/models",
          [&](const http::Request&, http::Response& response) { answer_models(releases, loader, shadow, response); });
  const auto audited = [&](std::string_view pattern, const std::string& action, ChangingHandler handler) {
    router.add(http::Method::kPost, pattern, audit_calls(token, audit, action, std::move(handler)));
  };
  audited("/models/reload", "reload", [&](const http::Request& request, http::Response& response, json::Value& arguments) {
    const auto order = read_json_body(request, response, parse_reload_order);
    if (!order) return;
    arguments = describe(*order);
    run_load(response, [&] { obey(*order, loader, response); });
  });
  audited("/models/rollback", "rollback", [&](const http::Request& request, http::Response& response, json::Value&) {
    if (!request.body.empty() && request.body != "{}") return http::answer_problem(response, 422, "rollback takes no body");
    run_load(response, [&] { answer_status(response, "loaded", loader.roll_back()); });
  });
}

void add_experiments(http::Router& router, const std::string& token, const ExperimentFile& experiments) {
  router.add(http::Method::kGet, "/experiments", behind_token(token, [&](const http::Request&, http::Response& response) {
               json::Writer writer(response.out());
               const auto problem = experiments.problem();
               writer.begin_object().key("problem");
               problem ? writer.value(std::string_view(*problem)) : writer.null();
               writer.key("experiments").begin_array();
               const auto running = experiments.get();
               const std::vector<Experiment>& all = running->experiments.all();
               for (std::size_t e = 0; e < all.size(); ++e) write_experiment(writer, all[e], watch_of(*running, e));
               writer.end_array().end_object();
             }));
}

}  // namespace lodestone::serving
