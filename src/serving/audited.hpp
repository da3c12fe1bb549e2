#pragma once
// Admin calls that change something, with their entries in the audit log.

#include <functional>
#include <string>

#include "base/json.hpp"
#include "http/router.hpp"
#include "serving/audit_log.hpp"

namespace lodestone::serving {

/// A handler that says in `arguments` what it was asked for, once it knows.
using ChangingHandler = std::function<void(const http::Request&, http::Response&, json::Value& arguments)>;

/// The handler behind the token, each call with the token noted with what came of it. `token` and `audit` must outlive it.
http::Handler audit_calls(const std::string& token, AuditLog& audit, std::string action, ChangingHandler handler);

}  // namespace lodestone::serving
