#pragma once
// TLS of both sides, by OpenSSL over memory: bytes of the network in, bytes for the network out. The socket stays the connection's, so plain
// connections pay one branch, and deadlines hold as they do without TLS.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace lodestone {

struct FreeTlsSettings {
  void operator()(ssl_ctx_st* settings) const;
};
using TlsSettings = std::unique_ptr<ssl_ctx_st, FreeTlsSettings>;

/// Certificate and key of a server, const and safe from many threads. TLS 1.2 and later, no renegotiation, ALPN "http/1.1".
class TlsContext {
 public:
  /// PEM files; the certificate's may hold its chain. Throws invalid_argument naming the file for what cannot be read, is no
  /// PEM or has a passphrase, and when the key is not the certificate's.
  TlsContext(const fs::path& certificate, const fs::path& key);

  /// When all certificates of the file are good: from begin to end.
  struct Validity {
    TimePoint begin;
    TimePoint end;
  };
  [[nodiscard]] Validity validity() const;

 private:
  friend class TlsSession;
  TlsSettings settings_;
};

/// Who must vouch for the servers that we speak to, const and safe from many threads. TLS 1.2 and later.
class TlsTrust {
 public:
  /// `authorities`: a PEM file of certificates; "" = those of the system. Throws invalid_argument naming the file when it holds none.
  explicit TlsTrust(const fs::path& authorities);

 private:
  friend class TlsSession;
  TlsSettings settings_;
};

/// One side of one connection. One thread.
class TlsSession {
 public:
  /// The server's side.
  explicit TlsSession(const TlsContext& context);
  /// The client's. The server must show a certificate for `host`, a name or an address, or the session fails. Its first bytes are output()
  /// at once.
  TlsSession(const TlsTrust& trust, const std::string& host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// Takes what came from the network.
  void receive(std::string_view bytes);

  enum class State { kMore, kEnded, kFailed };
  struct Result {
    std::size_t n = 0;           ///< bytes of plain text
    State state = State::kMore;  ///< when there are none: more must come, the other side said goodbye, or it speaks no TLS
  };
  /// Plain text of what was received; goes on with the handshake on the way. There may be output() afterwards.
  Result read(char* out, std::size_t size);
  /// True when the handshake is done.
  [[nodiscard]] bool is_ready() const;

  /// What became of the other side's certificate.
  enum class Peer { kFine, kUntrusted, kOtherName, kOutOfDate };
  /// After kFailed: why, in the library's words, and whether it was the certificate.
  struct Failure {
    Peer peer = Peer::kFine;
    std::string reason;
  };
  [[nodiscard]] const Failure& failure() const;

  /// Encrypts; needs is_ready(). False when the session has failed.
  bool write(std::string_view text);
  /// Says goodbye, if there was a handshake.
  void end();

  /// What is to be sent; valid until the next call. take_output() forgets it.
  [[nodiscard]] std::string_view output() const;
  void take_output();

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace lodestone
