// What the key of a request leaves out of its lists.

#include "serving/worker.hpp"

namespace lodestone::serving {

void Recommendations::find_key(const http::Request& request, Asked& asked) const {
  if (access_ == nullptr || asked.has_key) return;
  asked.key = access_->key_of(request);
  asked.has_key = true;
}

void Recommendations::narrow(const http::Request& request, Asked& asked) const {
  find_key(request, asked);
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

bool Recommendations::may_see(const http::Request& request, Worker& worker, Asked& asked, ItemIndex item) const {
  find_key(request, asked);
  if (asked.key == nullptr || !asked.key->filter) return true;
  worker.scratch.filter.bind(*asked.key->filter, asked.release->release().catalog);
  return worker.scratch.filter.matches(item);
}

}  // namespace lodestone::serving
