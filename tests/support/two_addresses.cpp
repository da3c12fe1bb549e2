#include "tests/support/two_addresses.hpp"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace {

/// As the library allocates it, which frees it: the address lies behind the entry.
template <typename Address>
addrinfo* make_entry(const Address& address, int family, addrinfo* next) {
  void* memory = std::calloc(1, sizeof(addrinfo) + sizeof(Address));
  if (memory == nullptr) throw std::bad_alloc();
  auto* entry = static_cast<addrinfo*>(memory);
  entry->ai_family = family;
  entry->ai_socktype = SOCK_STREAM;
  entry->ai_protocol = IPPROTO_TCP;
  entry->ai_addrlen = sizeof(Address);
  entry->ai_addr = reinterpret_cast<sockaddr*>(entry + 1);
  entry->ai_next = next;
  std::memcpy(entry->ai_addr, &address, sizeof(Address));
  return entry;
}

}  // namespace

/// In place of the C library's, for the whole test program.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** out) {
  if (name == nullptr || std::string_view(name) != lodestone::test::kTwoAddresses) {
    using Resolve = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    return reinterpret_cast<Resolve>(dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, out);
  }
  const auto port = htons(static_cast<std::uint16_t>(std::atoi(service)));
  sockaddr_in second{};
  second.sin_family = AF_INET;
  second.sin_port = port;
  second.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 first{};
  first.sin6_family = AF_INET6;
  first.sin6_port = port;
  first.sin6_addr = in6addr_loopback;
  *out = make_entry(first, AF_INET6, make_entry(second, AF_INET, nullptr));
  return 0;
}
