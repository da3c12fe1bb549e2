// What the key of a request leaves out of its lists.

#include "serving/worker.hpp"

namespace lodestone::serving {

void Recommendations::narrow(const http::Request& request, Asked& asked) const {
  asked.key = access_ == nullptr ? nullptr : access_->granted(request.thread);
  if (asked.key == nullptr) return;
  if (asked.origin.client_app.empty()) asked.origin.client_app = asked.key->name;
  if (!asked.key->filter) return;
  if (asked.filter) {
    asked.filter = engine::Filter::both(*asked.key->filter, *asked.filter);
    asked.page.filter = &*asked.filter;
  } else {
    asked.page.filter = &*asked.key->filter;
  }
}

bool Recommendations::may_see(const http::Request& request, Worker& worker, const models::Release& release,
                              ItemIndex item) const {
  const ApiKey* key = access_ == nullptr ? nullptr : access_->granted(request.thread);
  if (key == nullptr || !key->filter) return true;
  worker.scratch.filter.bind(*key->filter, release.catalog);
  return worker.scratch.filter.matches(item);
}

}  // namespace lodestone::serving
