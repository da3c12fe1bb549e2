"""The public port against its own description, by schemathesis: right and wrong values for whatever /openapi.json says that it takes. Nothing is a 5xx, and
every status, content type, header and body is described. What no description reaches (bytes, headers and addresses of any kind) is sent from here."""
import http.client
import json
import os
import random
import string
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from product import call, init, serve  # noqa: E402
from servers import folder  # noqa: E402

ROUNDS = 300


class ApiFuzz(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        call("simulate", "--to", f"files:{cls.path}/source", "--items", 60, "--users", 40, "--events", 1500, "--seed", 3)
        config = init(cls.path / "site", f"files:{cls.path}/source", "serving.demo_page=true", "serving.events_per_second=0")
        call("-c", config, "pipeline", "run")
        cls.server = serve(config)
        cls.site = cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.manager.__exit__(None, None, None)

    def tearDown(self):
        self.assertIsNone(self.site.process.poll(), "the server has ended")

    # --- what the document describes ---

    def schemathesis(self, *options):
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "api_fuzz.toml", "--no-color", "run", f"{self.site.base}/openapi.json",
                   *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.path, env={**os.environ, "PYTHONPATH": str(HERE)})
        lines = [line[:500] for line in (done.stdout + done.stderr).splitlines()]  # an address may have thousands of ids
        self.assertEqual(done.returncode, 0, "\n".join(lines))

    def test_whatever_is_sent_is_answered_as_described(self):
        self.schemathesis()

    def test_right_values_are_taken(self):
        # Lengths of texts are in bytes, which for these letters are what the document counts.
        self.schemathesis("--mode", "positive", "--generation-codec", "ascii", "--phases", "fuzzing", "--checks", "positive_data_acceptance")

    # --- what no document describes ---

    def setUp(self):
        self.rng = random.Random(self.id())
        self.connection = http.client.HTTPConnection(self.site.base.removeprefix("http://"), timeout=20)
        self.addCleanup(self.connection.close)

    def ask(self, method, target, body=None, headers=None):
        """Never a fault of ours, and a refusal is a problem document."""
        what = f"{method} {target[:300]} {headers} {str(body)[:300]}"
        try:
            self.connection.request(method, target, body, headers or {})
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.fail(f"{what}: the server hung up without an answer")
        content = answer.read()
        self.assertLess(answer.status, 500, f"{what}: {content!r}")
        if answer.status >= 400 and method != "HEAD":
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json", what)
            self.assertEqual(json.loads(content)["status"], answer.status, what)
        if answer.headers.get("Connection") == "close":
            self.connection.close()
        return answer

    def test_unknown_and_repeated_parameters_are_refused_by_name(self):
        for target, known in (("/similar/1", "limit"), ("/recommend/detail/1", "user_id"), ("/recommend/user/1", "exclude"), ("/hot/trending", "timeframe"),
                              ("/search", "q"), ("/health", None), ("/livez", None), ("/readyz", None), ("/openapi.json", None), ("/docs", None), ("/demo", None)):
            name = "".join(self.rng.choice(string.ascii_lowercase) for _ in range(8))
            for query, at_fault in ((f"{name}=1", name), (f"{known}=1&{known}=1", known)):
                if at_fault is None:
                    continue
                answer = self.site.get(f"{target}?{query}")
                self.assertEqual((answer.status, answer.json()["parameter"]), (422, at_fault), f"{target}?{query}")

    def test_bodies_of_any_kind_are_answered(self):
        right = {"/recommend/page": {"slots": [{"name": "a", "kind": "similar", "dataset_id": 1}, {"name": "b", "kind": "user", "filter": "price<=10"}]},
                 "/events": [{"event_id": "数据", "kind": "view", "user_id": 1, "dataset_id": 1, "at": "2026-11-24T09:30:00Z"}]}
        for path, document in right.items():
            text = json.dumps(document, ensure_ascii=False).encode()
            for _ in range(ROUNDS):
                data = bytearray(text)
                for _ in range(self.rng.randint(1, 5)):
                    data[self.rng.randrange(len(data))] = self.rng.randrange(256)
                body = self.rng.choice([bytes(data), text[: self.rng.randrange(len(text))], b"[" * self.rng.choice([10, 1000, 100000])])
                kind = self.rng.choice(["application/json", "application/json; charset=utf-8", "text/plain", "", "x"])
                answer = self.ask("POST", path, body, {"Content-Type": kind})
                if kind in ("text/plain", "x"):
                    self.assertEqual(answer.status, 415)

    def test_headers_of_any_kind_are_answered(self):
        names = ["X-Request-ID", "If-None-Match", "User-Agent", "Accept-Language", "X-Client-App", "X-API-Key", "Origin", "Authorization", "Accept", "Cookie",
                 "traceparent", "Range", "If-Modified-Since", "X-Forwarded-For", "Accept-Encoding"]
        letters = [*range(0x20, 0x7f), *range(0xa0, 0xff)]
        for _ in range(ROUNDS):
            headers = {name: "".join(chr(self.rng.choice(letters)) for _ in range(self.rng.choice([0, 3, 40, 300]))) for name in self.rng.sample(names, 4)}
            answer = self.ask("GET", self.rng.choice(["/similar/1", "/recommend/user/1", "/hot/trending", "/search?q=data", "/health", "/docs"]), None, headers)
            self.assertRegex(answer.headers["X-Request-ID"], "^req_[A-Za-z0-9-]{8,64}$")

    def test_addresses_of_any_kind_are_answered(self):
        paths = ["/", *json.loads(self.site.get("/openapi.json").body)["paths"]]
        allowed = string.ascii_letters + string.digits + "/?&=%.-_~+:;,@!$'()*{}|^`\"<>[]\\"
        for _ in range(2 * ROUNDS):
            target = self.rng.choice(paths) + "".join(self.rng.choice(allowed) for _ in range(self.rng.choice([1, 5, 40])))
            try:
                self.ask(self.rng.choice(["GET", "HEAD", "POST"]), target)
            except http.client.InvalidURL:
                continue


if __name__ == "__main__":
    unittest.main()
