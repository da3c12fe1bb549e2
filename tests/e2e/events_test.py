"""POST /events under load: kill -9 loses no acknowledged event, and what is sent again counts once."""
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import unittest
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import LODESTONE, call, init, serve, sql  # noqa: E402
from servers import folder, free_port, server  # noqa: E402

KILLS = int(os.environ.get("LODESTONE_KILLS", "5"))
SENDERS = 4


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(event_id, **members):
    return {"event_id": event_id, "kind": "view", "dataset_id": 1, "at": now(), **members}


class Sender(threading.Thread):
    """Sends batches over one connection until the server is gone; knows what was acknowledged and what was not."""

    def __init__(self, port, name):
        super().__init__()
        self.port, self.name_of, self.acknowledged, self.open, self.problem = port, name, [], [], None

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for number in range(100_000):
            ids = [f"{self.name_of}-{number}-{i}" for i in range(random.choice([1, 1, 10, 200]))]
            body = json.dumps([event(one, visitor_id=one) for one in ids])
            self.open = ids
            try:
                connection.request("POST", "/events", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                document = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                return
            if answer.status != 202 or document["accepted"] != len(ids):
                self.problem = f"{answer.status} {document}"
                return
            self.acknowledged += ids
            self.open = []


def stored(events):
    """Ids of the journal's whole lines, in the order of the files."""
    ids = []
    for path in sorted(events.glob("*.jsonl"), key=lambda one: int(one.stem.rsplit("-", 1)[1])):
        for line in path.read_bytes().split(b"\n")[:-1]:
            ids.append(json.loads(line)["event_id"])
    return ids


class Events(unittest.TestCase):
    def post(self, site, events):
        answer = site.post("/events", events, admin=False)
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json()

    def test_kill_loses_nothing_acknowledged(self):
        random.seed(20261127)
        with folder() as path:
            config = init(path / "site", f"files:{path}")
            acknowledged, unanswered = set(), []
            for kill in range(KILLS):
                port = free_port()
                command = [LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}"]
                with server(command, port, "lodestone serve", path / "serve.log") as process:
                    senders = [Sender(port, f"k{kill}s{s}") for s in range(SENDERS)]
                    for sender in senders:
                        sender.start()
                    while sum(len(sender.acknowledged) for sender in senders) < 500 and all(sender.is_alive() for sender in senders):
                        time.sleep(0.01)
                    process.kill()
                    process.wait()
                    for sender in senders:
                        sender.join()
                self.assertEqual([sender.problem for sender in senders], [None] * SENDERS)
                for sender in senders:
                    acknowledged.update(sender.acknowledged)
                    unanswered += sender.open
            ids = stored(config.parent / "events")
            self.assertEqual(len(ids), len(set(ids)), "an event stands in the journal twice")
            self.assertEqual(acknowledged - set(ids), set(), "an acknowledged event is lost")
            self.assertEqual(set(ids) - acknowledged - set(unanswered), set(), "an event that nobody sent")
            print(f"{len(acknowledged)} acknowledged, {len(unanswered)} unanswered by {KILLS} kills", file=sys.stderr)
            with serve(config) as site:
                # Whoever got no answer sends again: each event counts once, whether the first time reached the disk or not.
                again = unanswered[:900] + random.sample(sorted(acknowledged), 50)
                answer = self.post(site, [event(one, visitor_id=one) for one in again])
                n_known = len(set(again) & set(ids))
                self.assertEqual(answer, {"accepted": len(again) - n_known, "duplicate": n_known, "rejected": []})
                everything = stored(config.parent / "events")
                self.assertEqual(len(everything), len(set(everything)))

    def test_bad_events_are_told_and_good_ones_count(self):
        with folder() as path:
            config = init(path / "site", f"files:{path}")
            with serve(config) as site:
                answer = self.post(site, [event(""), event("a"), event("b", at="2020-01-01T00:00:00Z"), {"event_id": "c"}, event("a")])
                self.assertEqual((answer["accepted"], answer["duplicate"]), (1, 1))
                self.assertEqual([one["index"] for one in answer["rejected"]], [0, 2, 3])
                for one in answer["rejected"]:
                    self.assertRegex(one["detail"], r"^(event_id is|at is|kind is missing)")
                self.assertEqual(stored(config.parent / "events"), ["a"])

    def test_the_lake_takes_what_was_posted_and_each_event_once(self):
        with folder() as path:
            call("simulate", "--to", f"files:{path}/data", "--items", 60, "--users", 60, "--events", 2000, "--seed", 3)
            config = init(path / "site", f"files:{path}/data", "log.level=warn")
            call("-c", config, "pipeline", "run", "--to", "build")
            matomo = sql(config, "SELECT event_id, item_id FROM events WHERE kind = 'view' AND source = 'matomo' ORDER BY event_id LIMIT 1")[0]
            item = matomo["item_id"]
            with serve(config) as site:
                posted = [event("p1", dataset_id=item, visitor_id="guest"), event("p2", kind="click", dataset_id=item, visitor_id="guest", user_id=7, position=2),
                          event("p3", kind="exposure", dataset_id=item), event("p4", kind="order", dataset_id=item, user_id=7, value=3.5),
                          event(matomo["event_id"], dataset_id=item), event("p5", dataset_id=999999)]
                self.assertEqual(self.post(site, posted)["accepted"], 6)
                call("-c", config, "pipeline", "run", "--to", "build")
                self.post(site, [event("p6", dataset_id=item, visitor_id="guest")])
                call("-c", config, "pipeline", "run", "--to", "build")
            self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_events.posted_events"), [{"n": 7}])
            rows = sql(config, "SELECT event_id, kind, user_id, item_id, position FROM events WHERE source = 'posted' ORDER BY event_id")
            self.assertEqual([(row["event_id"], row["kind"], row["user_id"], row["position"]) for row in rows],
                             [("p1", "view", 7, None), ("p2", "click", 7, 2), ("p3", "exposure", None, None), ("p6", "view", 7, None)])
            self.assertEqual(sql(config, f"SELECT source FROM events WHERE event_id = '{matomo['event_id']}'"), [{"source": "matomo"}])
            # The server removes old files; the lake keeps what it has taken from them.
            for segment in (config.parent / "events").glob("*.jsonl"):
                segment.unlink()
            call("-c", config, "pipeline", "run", "--to", "build", "--full")
            self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_events.posted_events"), [{"n": 7}])

    def test_an_extract_that_is_killed_takes_each_event_once(self):
        with folder() as path:
            call("simulate", "--to", f"files:{path}/data", "--items", 60, "--users", 60, "--events", 2000, "--seed", 3)
            config = init(path / "site", f"files:{path}/data", "log.level=warn")
            ids, n_kills, seconds = [], 0, 1.0
            while n_kills < 3 * KILLS:
                with serve(config) as site:  # which begins a file of its own
                    for _ in range(3):
                        new = [f"{len(ids)}-{i}" for i in range(random.choice([1, 50, 500]))]
                        self.assertEqual(self.post(site, [event(one) for one in new])["accepted"], len(new))
                        ids += new
                        start = time.monotonic()
                        process = subprocess.Popen([str(LODESTONE), "-c", str(config), "extract"], stdout=subprocess.DEVNULL)
                        try:
                            self.assertEqual(process.wait(random.random() * 1.2 * seconds), 0)
                            seconds = time.monotonic() - start
                        except subprocess.TimeoutExpired:
                            process.kill()
                            process.wait()
                            n_kills += 1
            call("-c", config, "extract")
            rows = sql(config, "SELECT event_id FROM raw_events.posted_events")
            self.assertEqual(sorted(row["event_id"] for row in rows), sorted(ids))

    def test_a_second_server_on_the_folder_takes_none(self):
        with folder() as path:
            config = init(path / "site", f"files:{path}")
            with serve(config) as first:
                self.post(first, [event("a")])
                with serve(config) as second:
                    answer = second.post("/events", [event("b")], admin=False)
                    self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "1"))
                    self.assertIn("another server writes its events there", (config.parent / "serve.log").read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
