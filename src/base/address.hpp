#pragma once
// Addresses in messages, logs and listings: what may be a secret in them is never shown.

#include <string>
#include <string_view>

namespace lodestone {

/// An address with *** for its password, and of http and https for the whole login and the query, where tokens stand, too. The last @ ends the
/// login: an address that is written wrong shows too little rather than a piece of a password.
std::string shown_address(std::string_view address);

}  // namespace lodestone
