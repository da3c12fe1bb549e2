"""The public port from the outside: SIGHUP while clients ask changes settings and certificates and loses no request; TLS; spans."""
import contextlib
import http.client
import http.server
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import LODESTONE, call, init, serve, sql  # noqa: E402
from servers import folder, free_port, server  # noqa: E402

SWAPS = 15


def make_certificate(folder_, name):
    """A key and a certificate that it signs itself, for 127.0.0.1; their paths and the name in it."""
    certificate, key = folder_ / f"{name}.crt", folder_ / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Clients:
    """Clients that ask for lists until they are told to stop: half on a connection each, half on a new one every time."""

    def __init__(self, connect, target):
        self.faults, self.n_answers, self.done = [], 0, False
        self.threads = [threading.Thread(target=self.run, args=(connect, target, c % 2 == 0)) for c in range(6)]
        for thread in self.threads:
            thread.start()

    def run(self, connect, target, keeps):
        connection = connect()
        while not self.done and not self.faults:
            try:
                connection.request("GET", target)
                answer = connection.getresponse()
                body = json.loads(answer.read())
                if answer.status != 200 or len(body["recommendations"]) != 10:
                    self.faults.append((answer.status, body))
            except Exception as error:  # whatever it is, it is a lost request
                self.faults.append(repr(error))
            self.n_answers += 1
            if not keeps:
                connection.close()
                connection = connect()
        connection.close()

    def wait_for_more(self, n):
        goal = self.n_answers + n
        while self.n_answers < goal and not self.faults:
            time.sleep(0.005)

    def stop(self):
        self.done = True
        for thread in self.threads:
            thread.join()
        return self.faults


class Reload(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.path = cls.stack.enter_context(folder())
        call("simulate", "--to", f"files:{cls.path / 'source'}", "--items", 120, "--users", 200, "--events", 6000, "--seed", 3, "--end", "2026-11-01T00:00:00Z")
        cls.config = init(cls.path / "site", f"files:{cls.path / 'source'}", "serving.queue_delay_ms=0", "serving.header_timeout_seconds=1")
        call("-c", cls.config, "pipeline", "run")
        cls.text = cls.config.read_text()
        user = sql(cls.config, "SELECT user_id FROM events WHERE user_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")[0]["user_id"]
        cls.target = f"/recommend/user/{user}"
        cls.log = cls.config.parent / "serve.log"

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def setUp(self):
        self.config.write_text(self.text)

    def set_keys(self, section, keys):
        """The configuration with these keys at the head of a section."""
        lines = self.text.splitlines()
        names = tuple(f"  {key}:" for key in keys)
        lines = [line for line in lines if not line.startswith(names)]
        at = lines.index(f"{section}:") + 1
        self.config.write_text("\n".join(lines[:at] + [f"  {key}: {value}" for key, value in keys.items()] + lines[at:]) + "\n")

    def hang_up(self, process):
        """SIGHUP; what the log says of it."""
        before = len(self.log.read_text())
        process.send_signal(signal.SIGHUP)
        for _ in range(400):
            if "SIGHUP" in self.log.read_text()[before:]:
                return self.log.read_text()[before:]
            time.sleep(0.02)
        self.fail(f"the log says nothing of the signal (exit {process.poll()}): {self.log.read_text()}")

    def test_settings_change_under_load_without_a_lost_request(self):
        with serve(self.config) as site:
            port = int(site.base.rsplit(":", 1)[1])
            clients = Clients(lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=20), self.target)
            try:
                for swap in range(SWAPS):
                    self.set_keys("engine", {"vector_ef": 32 + swap, "diversity": 0.1 * (swap % 5)})
                    self.assertIn(f"engine.vector_ef {32 + swap}", self.hang_up(site.process))
                    clients.wait_for_more(30)
            finally:
                faults = clients.stop()
            self.assertEqual(faults, [])

    def test_a_signal_while_it_starts_ends_nothing(self):
        with serve(self.config) as site:
            for _ in range(100):  # from the moment the port is open; its threads are not warm yet
                site.process.send_signal(signal.SIGHUP)
                time.sleep(0.001)
            self.hang_up(site.process)
            self.assertEqual(site.get(self.target).status, 200)
        self.assertEqual(site.process.returncode, 0, "SIGTERM ends it in order")

    def test_spans_reach_a_collector(self):
        got = []

        class Collector(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        try:
            self.set_keys("serving", {"trace_endpoint": f"http://127.0.0.1:{collector.server_port}/v1/traces", "trace_sample": 0, "access_log": "access.jsonl"})
            trace = "4bf92f3577b34da6a3ce929d0e0e4736"
            with serve(self.config) as site:
                self.assertEqual(site.get(self.target, {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}).status, 200)
                self.assertEqual(site.get(self.target).status, 200)
        finally:
            collector.shutdown()
            collector.server_close()
        spans = [span for _, document in got for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]]
        self.assertEqual([path for path, _ in got], ["/v1/traces"])
        self.assertEqual([(span["traceId"], span["parentSpanId"], span["name"]) for span in spans],
                         [(trace, "00f067aa0ba902b7", "GET /recommend/user/{user_id}")])
        lines = [json.loads(line) for line in (self.config.parent / "access.jsonl").read_text().splitlines()]
        self.assertIn(trace, [line["trace_id"] for line in lines if line["path"] == self.target])

    @contextlib.contextmanager
    def serve_tls(self):
        folder_ = self.config.parent
        for name in ("first", "second"):
            make_certificate(folder_, name)
        self.install("first")
        self.set_keys("serving", {"tls_certificate": "tls.crt", "tls_key": "tls.key"})
        port, admin_port = free_port(), free_port()
        command = [LODESTONE, "-c", self.config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin_port}"]
        with server(command, port, "lodestone serve", self.log) as process:
            yield port, process

    def install(self, name):
        for suffix in ("crt", "key"):
            (self.config.parent / f"tls.{suffix}").write_bytes((self.config.parent / f"{name}.{suffix}").read_bytes())

    def trusting(self, *names):
        context = ssl.create_default_context()
        for name in names:
            context.load_verify_locations(self.config.parent / f"{name}.crt")
        return context

    def name_of(self, port):
        """The name in the certificate that a new connection gets."""
        with socket.create_connection(("127.0.0.1", port), 20) as plain, self.trusting("first", "second").wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            return dict(part[0] for part in tls.getpeercert()["subject"])["commonName"]

    def test_certificates_change_under_load_without_a_lost_request(self):
        with self.serve_tls() as (port, process):
            trusted = self.trusting("first", "second")
            clients = Clients(lambda: http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusted), self.target)
            try:
                for swap in range(SWAPS):
                    name = "second" if swap % 2 == 0 else "first"
                    self.install(name)
                    self.assertIn("configuration read again", self.hang_up(process))
                    self.assertEqual(self.name_of(port), name)
                    clients.wait_for_more(30)
            finally:
                faults = clients.stop()
            self.assertEqual(faults, [])

    def test_a_certificate_that_does_not_fit_changes_nothing(self):
        with self.serve_tls() as (port, process):
            (self.config.parent / "tls.key").write_bytes((self.config.parent / "second.key").read_bytes())
            self.assertIn("tls.key: no private key in PEM form", self.hang_up(process))
            self.assertEqual(self.name_of(port), "first")
        self.set_keys("serving", {"tls_certificate": "tls.crt"})
        done = call("-c", self.config, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", code=2)
        self.assertIn("go together", done.stderr)

    def test_tls_of_today_only_and_nothing_in_the_clear(self):
        with self.serve_tls() as (port, process):
            context = self.trusting("first")
            context.set_alpn_protocols(["h2", "http/1.1"])
            with socket.create_connection(("127.0.0.1", port), 20) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                self.assertEqual(tls.version(), "TLSv1.3")
                self.assertEqual(tls.selected_alpn_protocol(), "http/1.1")
                tls.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
                tls.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                answer = b""
                while part := tls.recv(65536):
                    answer += part
                self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 51)
            context = self.trusting("first")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with socket.create_connection(("127.0.0.1", port), 20) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                self.assertEqual(tls.version(), "TLSv1.2")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
            with self.assertRaises((ssl.SSLError, ConnectionError)), socket.create_connection(("127.0.0.1", port), 20) as plain:
                context.wrap_socket(plain)
            for data in (b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x05hello" * 100, b"\0" * 50_000, b"\x80\x2e\x01\x03\x01" + b"x" * 41):
                with self.subTest(data=data[:20]), socket.create_connection(("127.0.0.1", port), 20) as plain:
                    answer = b""
                    with contextlib.suppress(OSError):
                        plain.sendall(data)
                        while part := plain.recv(65536):
                            answer += part
                    self.assertNotIn(b"HTTP/", answer)
            with self.subTest("a handshake in drips"), socket.create_connection(("127.0.0.1", port), 20) as plain:
                with contextlib.suppress(OSError):
                    plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
                    plain.settimeout(0.1)
                    for _ in range(600):
                        plain.sendall(b"x")
                        with contextlib.suppress(TimeoutError):
                            if not plain.recv(1):
                                break
                    else:
                        self.fail("it was not cut")
            self.assertIsNone(process.poll())
            self.assertEqual(self.name_of(port), "first")


if __name__ == "__main__":
    unittest.main()
