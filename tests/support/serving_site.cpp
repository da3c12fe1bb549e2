#include "tests/support/serving_site.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "bundle/store.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::test {

ServingSite::ServingSite() : clock(*parse_time("2026-11-24T09:30:00Z")) {
  options.listen = "127.0.0.1:0";
  options.admin_listen = "127.0.0.1:0";
  options.n_threads = 2;
  options.follow_interval = std::chrono::milliseconds(20);
  options.bundle_folder = folder.path() / "bundles";
  options.events.segments.folder = folder.path() / "events";
  options.admin_token_file = folder.path() / "admin_token";
  options.cache.request_timeout = std::chrono::milliseconds(20'000);  // machines that are busy
  options.ranking_timeout = options.cache.request_timeout;
  options.exposures = serving::ExposureLogOptions{};
  options.exposures->folder = folder.path() / "exposures";
  make_folders(options.bundle_folder);
  write_file_atomic(options.admin_token_file, std::string(kToken) + "\n");
  fs::permissions(options.admin_token_file, fs::perms::owner_read | fs::perms::owner_write);
}

ServingSite::~ServingSite() { stop(); }

std::string ServingSite::pack(const models::ReleaseData& data) {
  bundle::BundleInfo info = sample_info();
  info.created += std::chrono::seconds(n_packed_++);
  return bundle::pack(data, info, options.bundle_folder);
}

std::string ServingSite::pack_sample(std::uint64_t seed) {
  SampleOptions sample;
  sample.seed = seed;
  models::ReleaseData data = sample_release(sample);
  for (models::Item& item : data.items) item.title = fmt::format("seed {}: {}", seed, item.title);
  return pack(data);
}

void ServingSite::publish(const std::string& id) const { bundle::BundleStore(options.bundle_folder).publish(id); }

serving::Server& ServingSite::start() {
  server = std::make_unique<serving::Server>(options, registry, clock);
  server->start();
  return *server;
}

void ServingSite::stop() { server.reset(); }

HttpAnswer ServingSite::get(std::string_view target, std::string_view headers) const {
  return http_get(server->port(), target, headers);
}

json::Value ServingSite::get_json(std::string_view target) const {
  const HttpAnswer answer = get(target);
  EXPECT_EQ(answer.status, 200) << target << ": " << answer.body;
  return json::parse(answer.body, "answer");
}

HttpAnswer ServingSite::post(std::string_view target, std::string_view body, std::string_view headers) const {
  return HttpConnection(server->port()).request("POST", target, headers, body);
}

HttpAnswer ServingSite::admin(std::string_view method, std::string_view target, std::string_view body) const {
  return HttpConnection(server->admin_port()).request(method, target, fmt::format("Authorization: Bearer {}\r\n", kToken), body);
}

void ServingSite::wait_for(const std::string& id) const {
  for (;;) {  // a server that never follows runs into the test's time limit
    const HttpAnswer answer = get("/search");
    if (answer.status == 200 && answer.body.find(id) != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

models::ReleaseData without_trending() {
  models::ReleaseData data = sample_release();
  data.trending = {};
  data.trending.offsets.assign(models::kTrendingWindows + 1, 0);
  return data;
}

std::string problem_text(const HttpAnswer& answer) {
  EXPECT_EQ(answer.header("content-type"), "application/problem+json") << answer.body;
  const json::Value problem = json::parse(answer.body, "problem");
  EXPECT_NE(problem.find("type"), nullptr);
  EXPECT_EQ(*problem.find("status")->as_int(), answer.status);
  std::string text =
      fmt::format("{}: {}: {}", answer.status, *problem.find("title")->as_string(), *problem.find("detail")->as_string());
  if (const json::Value* parameter = problem.find("parameter")) text += fmt::format(" ({})", *parameter->as_string());
  return text;
}

}  // namespace lodestone::test
