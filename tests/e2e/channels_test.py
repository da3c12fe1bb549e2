"""Channels of other servers and servers that share a Redis, as an operator sets them up: by the configuration alone."""
import http.server
import json
import sys
import threading
import time
import unittest
import urllib.parse
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve  # noqa: E402
from servers import folder, redis  # noqa: E402


class Remote(http.server.BaseHTTPRequestHandler):
    """Says of each data set that the one before it goes with it."""

    protocol_version = "HTTP/1.1"
    asked = []

    def do_GET(self):
        question = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        Remote.asked.append(self.path)
        body = json.dumps({"items": [{"dataset_id": int(question["dataset_id"][0]) - 1, "score": 2}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def metric(site, series):
    for line in site.get("/metrics", admin=True).body.decode().splitlines():
        if line.startswith(series + " "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def wait_until(holds):
    while not holds():
        time.sleep(0.01)


class Channels(unittest.TestCase):
    def test_two_servers_share_answers_and_clicks(self):
        remote = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remote)
        threading.Thread(target=remote.serve_forever, daemon=True).start()
        with folder() as path, redis("--requirepass", "s3cret") as (redis_port, process):
            call("simulate", "--to", f"files:{path}/data", "--items", 80, "--users", 60, "--events", 4000, "--seed", 3)
            (path / "password").write_text("s3cret\n")
            settings = ["log.level=warn", f"serving.redis_hot_url=redis://127.0.0.1:{redis_port}", f"serving.redis_password_file={path}/password",
                        "serving.cache_preheat_items=0", "serving.request_timeout_ms=5000", "serving.redis_get_timeout_ms=2000"]
            first = init(path / "a", f"files:{path}/data", *settings)
            second = init(path / "b", f"files:{path}/data", *settings, f"bundle.folder={path}/a/bundles")
            call("-c", first, "pipeline", "run")
            channels = (f'channels: {{before: {{url: "http://127.0.0.1:{remote.server_port}/?dataset_id={{dataset_id}}", '
                        "deadline_ms: 4000, weight: 50, pages: [similar]}}")
            for config in (first, second):
                (config.parent / "channels.yaml").write_text(channels)
            shown = call("-c", first, "config", environment={
                "REDIS_URL": "redis://:hidden@example", "LODESTONE_SERVING_TRACE_ENDPOINT": "https://hidden@example/v1?key=hidden"}).stdout
            self.assertIn("redis://:***@example", shown)
            self.assertIn("https://***@example/v1?***", shown)
            self.assertNotIn("hidden", shown)
            with serve(first) as a, serve(second) as b:
                self.share_answers(a, b)
                self.share_clicks(a, b)
                process.kill()
                for n in range(20, 60):
                    self.assertEqual(a.get(f"/similar/{n}").status, 200)
                wait_until(lambda: a.get("/health").json()["cache"] == "degraded")
                self.assertEqual(a.get("/readyz").status, 200)
        remote.shutdown()

    def share_answers(self, a, b):
        items = a.get("/similar/12?explain=true").json()["similar_items"]
        found = [one for one in items if "before" in one["reason"].split("+")]
        self.assertEqual([(one["dataset_id"], one["channels"]["before"]) for one in found], [(11, {"rank": 1, "score": 2})])
        wait_until(lambda: metric(a, 'cache_requests_total{operation="set",status="stored"}') >= 1)
        self.assertEqual(b.get("/similar/12").json()["similar_items"][0]["dataset_id"], items[0]["dataset_id"])
        self.assertEqual(len(Remote.asked), 1, "the second server found it in Redis")

    def share_clicks(self, a, b):
        def shown(site):
            return [one["dataset_id"] for one in site.get("/recommend/user/777777?limit=20").json()["recommendations"]]

        before = shown(b)
        event = {"event_id": "one", "kind": "click", "user_id": 777777, "dataset_id": 12,
                 "at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        self.assertEqual(a.post("/events", [event], admin=False).json()["accepted"], 1)
        after = shown(a)
        self.assertNotEqual(after, before)
        wait_until(lambda: shown(b) == after)
        self.assertEqual(b.post("/events", [event], admin=False).json()["duplicate"], 1)


if __name__ == "__main__":
    unittest.main()
