"""pipeline watch from the outside, against a real MariaDB: its schedule, its status and metrics, how it stops, and what a database does to it."""
import contextlib
import datetime
import json
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import LODESTONE, Site, call, init, sql  # noqa: E402
from servers import folder, free_port, mariadb, wait_for_port  # noqa: E402

LOG = ("--log-bin=bin", "--server-id=1", "--binlog-format=ROW")


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Watch:
    """A running `pipeline watch`."""

    def __init__(self, config, port, process, log):
        token = (config.parent / "admin_token").read_text().strip()
        self.site, self.process, self.log = Site(port, port, token), process, log

    def status(self):
        return self.site.get("/status", admin=True).json()

    def metrics(self):
        text = self.site.get("/metrics", admin=True).body.decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}

    def wait_for(self, what, is_there):
        """The first status for which `is_there` holds."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"watch ended with {self.process.returncode} before {what}\n{self.log.read_text()}")
            status = self.status()
            if is_there(status):
                return status
            time.sleep(0.1)
        raise AssertionError(f"no {what} in 120 s: {json.dumps(status, indent=1)}\n{self.log.read_text()}")

    def wait_for_runs(self, n):
        return self.wait_for(f"{n} runs", lambda status: len(status["last_runs"]) >= n)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


@contextlib.contextmanager
def watch(config, port):
    log = config.parent / "watch.log"
    with open(log, "a") as out:
        process = subprocess.Popen([str(LODESTONE), "-c", str(config), "pipeline", "watch"], stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for_port(port, process, "lodestone pipeline watch")
        yield Watch(config, port, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class WatchTest(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.path = self.stack.enter_context(folder())
        self.admin_port = free_port()

    def simulate(self, port):
        self.port = port
        self.business, self.matomo = (f"mysql://root@127.0.0.1:{port}/{name}" for name in ("dianshu_backend", "matomo"))
        call("simulate", "--to", self.business, "--matomo", self.matomo, "--items", 200, "--users", 200, "--events", 4000, "--seed", 3,
             "--end", "2026-11-01T00:00:00Z")

    def init(self, *settings, minutes=0.05, jitter=0):
        return init(self.path / "site", self.business, f"pipeline.interval_minutes={minutes}", f"pipeline.jitter_seconds={jitter}",
                    f"pipeline.admin_address=127.0.0.1:{self.admin_port}", *settings, matomo=self.matomo)

    def query(self, text):
        subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-uroot", "dianshu_backend", "-e", text], check=True,
                       capture_output=True)

    def add_order(self, key, when="NOW()"):
        self.query(f"INSERT INTO order_tab (id, dataset_id, create_user, price, pay_status, is_delete, create_time, update_time) SELECT {key}, "
                   f"dataset_id, create_user, price, 1, 0, {when}, {when} FROM order_tab LIMIT 1")

    def test_schedule(self):
        self.simulate(self.stack.enter_context(mariadb(self.path)))
        config = self.init(minutes=0.1, jitter=2)
        with watch(config, self.admin_port) as running:
            runs = running.wait_for_runs(3)["last_runs"]
            due = at(runs[0]["began_at"])
            for before, run in zip(runs, runs[1:]):
                # Every six seconds from the first, or when the one before ended; up to two later by chance.
                due = max(due + 6, at(before["ended_at"]))
                self.assertGreaterEqual(at(run["planned_at"]), due - 0.5)
                self.assertLessEqual(at(run["planned_at"]), due + 2 + 0.5)
                self.assertGreaterEqual(at(run["began_at"]), at(run["planned_at"]) - 0.5)
                self.assertGreaterEqual(at(run["began_at"]), at(before["ended_at"]))
                self.assertEqual(run["exit_code"], 0, run)
            # No second one beside it.
            done = call("-c", config, "pipeline", "run", code=1)
            self.assertIn("is being written by another run; wait until it is done, or stop it", done.stderr)
            status = running.wait_for("freshness", lambda s: s["freshness"]["tables"])
            tables = {table["table"]: table for table in status["freshness"]["tables"]}
            self.assertEqual(tables["order_tab"]["lag_seconds"], 0)
            self.assertEqual(tables["order_tab"]["newest_in_source"], tables["order_tab"]["newest_in_lake"])
            metrics = running.metrics()
            self.assertGreaterEqual(metrics['pipeline_runs_total{result="done"}'], 3)
            self.assertEqual(metrics['data_freshness_lag_seconds{source="business",table="order_tab"}'], 0)
            self.assertGreaterEqual(metrics['db_pool_connections{state="idle"}'] + metrics['db_pool_connections{state="in_use"}'], 1)
            self.assertEqual(running.site.get("/metrics").status, 401)
            # Between two runs.
            running.wait_for("a pause", lambda s: s["state"] == "waiting" and at(s["next_run_at"]) > time.time() + 1)
            self.assertEqual(running.stop(), 0)
            self.assertIn("stopped between two runs", running.log.read_text())
            self.assertIn("pool business: ", running.log.read_text())

    def test_runs_longer_than_the_interval_follow_each_other(self):
        self.simulate(self.stack.enter_context(mariadb(self.path)))
        config = self.init(minutes=0.01)
        with watch(config, self.admin_port) as running:
            runs = running.wait_for_runs(3)["last_runs"]
            self.assertGreater(runs[0]["seconds"], 0.6)  # the interval
            for before, run in zip(runs, runs[1:]):
                self.assertGreaterEqual(at(run["began_at"]), at(before["ended_at"]))
            # One for all that were missed: the plan never falls behind.
            self.assertGreaterEqual(at(runs[2]["planned_at"]), at(runs[1]["ended_at"]) - 0.5)
            # In a run.
            running.wait_for("a run", lambda s: s["state"] == "running")
            self.assertEqual(running.stop(), 0)
        call("-c", config, "pipeline", "run")

    def test_a_failed_run_and_a_database_that_goes_away_do_not_end_it(self):
        with mariadb(self.path) as port:
            self.simulate(port)
            config = self.init(minutes=0.05)
            call("-c", config, "pipeline", "run")
            running = self.stack.enter_context(watch(config, self.admin_port))
            running.wait_for_runs(1)
        status = running.wait_for("a failed run", lambda s: s["last_runs"][-1]["exit_code"] == 1)
        self.assertIn("extract: ", status["last_runs"][-1]["sentence"])
        self.assertGreaterEqual(running.metrics()['pipeline_runs_total{result="failed"}'], 1)
        running.wait_for("a problem of freshness", lambda s: s["freshness"]["problems"])
        with mariadb(self.path, port=port):
            self.add_order(900001)
            running.wait_for("a good run", lambda s: s["last_runs"][-1]["exit_code"] == 0 and s["state"] == "waiting")
            running.wait_for_runs(running.metrics()['pipeline_runs_total{result="done"}'] + 1)
            self.assertEqual(running.stop(), 0)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.order_tab WHERE id = 900001"), [{"n": 1}])

    def test_the_log_is_followed_between_runs(self):
        with mariadb(self.path, log_options=LOG) as port:
            self.simulate(port)
            config = self.init("source.capture=binlog", minutes=60)
            running = self.stack.enter_context(watch(config, self.admin_port))
            running.wait_for("followers", lambda s: len(s["captures"]) == 2 and all(c["following"] for c in s["captures"]))
            self.wait_for_order(config, 900001)
            self.assertIn('capture_lag_seconds{source="business"}', running.metrics())
            self.assertEqual(running.metrics()['capture_following{source="matomo"}'], 1)
            self.assertEqual(len(running.status()["last_runs"]), 1)
        running.wait_for("a lost database", lambda s: not all(c["following"] for c in s["captures"]) and
                         any(c["sentence"] for c in s["captures"]))
        with mariadb(self.path, port=port, log_options=LOG):
            running.wait_for("the database back", lambda s: all(c["following"] for c in s["captures"]))
            self.wait_for_order(config, 900002)
            running.wait_for("no lag", lambda s: all(c["lag_seconds"] < 5 for c in s["captures"]))
            self.assertEqual(running.stop(), 0)

    def wait_for_order(self, config, key):
        manifest = config.parent / "lake/raw/business/order_tab/manifest.json"
        before = json.loads(manifest.read_text())["rows"]
        self.add_order(key)
        start = time.monotonic()
        while json.loads(manifest.read_text())["rows"] == before:
            self.assertLess(time.monotonic(), start + 60, f"order {key} does not come")
            time.sleep(0.01)
        print(f"order {key} was in raw/ after {time.monotonic() - start:.2f} s", file=sys.stderr)
        self.assertEqual(sql(config, f"SELECT count(*) AS n FROM raw_business.order_tab WHERE id = {key}"), [{"n": 1}])


if __name__ == "__main__":
    unittest.main(verbosity=2)
