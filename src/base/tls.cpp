#include "base/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <ctime>

#include "base/error.hpp"

namespace lodestone {
namespace {

constexpr std::string_view kProtocol = "\x08http/1.1";

/// Why the library's last call failed, in its words.
std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  std::string out = text == nullptr ? "no reason is given" : text;
  ERR_clear_error();
  return out;
}

[[noreturn]] void fail_on(const fs::path& file, std::string_view what) {
  fail(ErrorCode::kInvalidArgument, "{}: {}: {}", file.string(), what, reason());
}

/// The only protocol that we speak, when the client offers it; a client that offers others alone is told that there is none.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(kProtocol.data()),
                                          static_cast<unsigned>(kProtocol.size()), in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// A key with a passphrase would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts = {};
  LODESTONE_ASSERT(ASN1_TIME_to_tm(time, &parts) == 1, "a time of a certificate that was read before");
  return TimePoint(std::chrono::seconds(timegm(&parts)));
}

/// What both sides have in common.
TlsSettings new_settings(const SSL_METHOD* side) {
  ERR_clear_error();
  TlsSettings out(SSL_CTX_new(side));
  if (out == nullptr) fail(ErrorCode::kInternal, "OpenSSL gives no context: {}", reason());
  SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(out.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(out.get(), SSL_MODE_RELEASE_BUFFERS);
  return out;
}

}  // namespace

void FreeTlsSettings::operator()(ssl_ctx_st* settings) const { SSL_CTX_free(settings); }

TlsContext::TlsContext(const fs::path& certificate, const fs::path& key) : settings_(new_settings(TLS_server_method())) {
  SSL_CTX* context = settings_.get();
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets do without memory of ours
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) fail_on(certificate, "no certificate in PEM form");
  // The second looks at a key of another type than the certificate's, too.
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1) {
    fail_on(key, "no private key in PEM form, without a passphrase, that belongs to the certificate");
  }
}

TlsContext::Validity TlsContext::validity() const {
  const X509* own = SSL_CTX_get0_certificate(settings_.get());
  Validity out{time_of(X509_get0_notBefore(own)), time_of(X509_get0_notAfter(own))};
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(settings_.get(), &chain);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* one = sk_X509_value(chain, i);
    out.begin = std::max(out.begin, time_of(X509_get0_notBefore(one)));
    out.end = std::min(out.end, time_of(X509_get0_notAfter(one)));
  }
  return out;
}

TlsTrust::TlsTrust(const fs::path& authorities) : settings_(new_settings(TLS_client_method())) {
  SSL_CTX* context = settings_.get();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (authorities.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) fail(ErrorCode::kInternal, "OpenSSL: {}", reason());
  } else if (SSL_CTX_load_verify_file(context, authorities.c_str()) != 1) {
    fail_on(authorities, "no certificates of authorities in PEM form");
  }
}

struct TlsSession::Handle {
  explicit Handle(SSL_CTX* context) : ssl(SSL_new(context)), in(BIO_new(BIO_s_mem())), out(BIO_new(BIO_s_mem())) {
    LODESTONE_ASSERT(ssl != nullptr && in != nullptr && out != nullptr, "no memory for a TLS session");
    BIO_set_mem_eof_return(in, -1);  // empty is not the end
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl, in, out);  // which owns them now
  }
  ~Handle() { SSL_free(ssl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void expect(const std::string& host) const {
    // An address stands in a certificate as such, and is no name that a client may send.
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return;
    ERR_clear_error();
    // SSL_set_tlsext_host_name, whose macro casts.
    const long named = SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
    LODESTONE_ASSERT(SSL_set1_host(ssl, host.c_str()) == 1 && named == 1, "no name of a host: {}", host);
  }

  /// After this the library must not be asked again.
  void note_failure() {
    has_failed = true;
    switch (const long verified = SSL_get_verify_result(ssl)) {
      case X509_V_OK: failure = {Peer::kFine, reason()}; break;
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_IP_ADDRESS_MISMATCH: failure = {Peer::kOtherName, X509_verify_cert_error_string(verified)}; break;
      case X509_V_ERR_CERT_NOT_YET_VALID:
      case X509_V_ERR_CERT_HAS_EXPIRED: failure = {Peer::kOutOfDate, X509_verify_cert_error_string(verified)}; break;
      default: failure = {Peer::kUntrusted, X509_verify_cert_error_string(verified)}; break;
    }
    ERR_clear_error();
  }

  SSL* ssl;
  BIO* in;
  BIO* out;
  bool has_failed = false;
  Failure failure;
};

TlsSession::TlsSession(const TlsContext& context) : handle_(std::make_unique<Handle>(context.settings_.get())) {
  SSL_set_accept_state(handle_->ssl);
}

TlsSession::TlsSession(const TlsTrust& trust, const std::string& host)
    : handle_(std::make_unique<Handle>(trust.settings_.get())) {
  handle_->expect(host);
  SSL_set_connect_state(handle_->ssl);
  SSL_do_handshake(handle_->ssl);
  ERR_clear_error();
}

TlsSession::~TlsSession() = default;

const TlsSession::Failure& TlsSession::failure() const { return handle_->failure; }

void TlsSession::receive(std::string_view bytes) {
  if (!bytes.empty()) BIO_write(handle_->in, bytes.data(), static_cast<int>(bytes.size()));
}

TlsSession::Result TlsSession::read(char* out, std::size_t size) {
  if (handle_->has_failed) return {0, State::kFailed};
  ERR_clear_error();
  const int n = SSL_read(handle_->ssl, out, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
  if (n > 0) return {static_cast<std::size_t>(n), State::kMore};
  const int error = SSL_get_error(handle_->ssl, n);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return {0, State::kMore};
  if (error == SSL_ERROR_ZERO_RETURN) return {0, State::kEnded};
  handle_->note_failure();
  return {0, State::kFailed};
}

bool TlsSession::is_ready() const { return SSL_is_init_finished(handle_->ssl) == 1; }

bool TlsSession::write(std::string_view text) {
  if (handle_->has_failed) return false;
  if (text.empty()) return true;
  LODESTONE_ASSERT(text.size() <= INT_MAX, "{} bytes at once", text.size());
  ERR_clear_error();
  const bool written = SSL_write(handle_->ssl, text.data(), static_cast<int>(text.size())) > 0;
  if (!written) handle_->note_failure();
  return written;
}

void TlsSession::end() {
  if (handle_->has_failed || !is_ready()) return;
  ERR_clear_error();
  SSL_shutdown(handle_->ssl);
  ERR_clear_error();
}

std::string_view TlsSession::output() const {
  char* bytes = nullptr;
  const long n = BIO_get_mem_data(handle_->out, &bytes);
  return n > 0 ? std::string_view(bytes, static_cast<std::size_t>(n)) : std::string_view();
}

void TlsSession::take_output() { BIO_reset(handle_->out); }

}  // namespace lodestone
