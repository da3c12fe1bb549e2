"""Changes of a real MariaDB into the lake by its binary log: how many row events a second of one core, and how soon a reader sees them.

The rate is that of one stage extract pinned to one core, over events that lie in the log already: half the rows inserted, two fifths
updated, one tenth deleted, in transactions of 5 to 50 rows over two tables. Its baseline reads the same tables whole, pinned too.
A change is readable when the manifest of its table names the place in the log of its commit.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import threading
import time

from support import LODESTONE, figure, folder, mariadb
from support import run as call

LOG = ("--log-bin=bin", "--server-id=1", "--binlog-format=ROW", "--sync-binlog=0")
EXTRACT = ("pipeline", "run", "--from", "extract", "--to", "extract")
TABLES = {"dianshu_backend.order_tab": "id", "matomo.matomo_log_link_visit_action": "idlink_va"}
MANIFESTS = {"dianshu_backend.order_tab": "raw/business/order_tab", "matomo.matomo_log_link_visit_action": "raw/matomo/log_link_visit_action"}


class Client:
    """One connection of the command line client: statements in, their single values out."""

    def __init__(self, path):
        self.process = subprocess.Popen(["mariadb", "--no-defaults", f"--socket={path}/s", "--user=root", "-N", "-B", "--unbuffered"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def value(self, statements):
        self.process.stdin.write(statements + ";\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def columns_of(client, table):
    database, name = table.split(".")
    return client.value(f"SELECT GROUP_CONCAT(CONCAT('`', COLUMN_NAME, '`') ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS WHERE "
                        f"TABLE_SCHEMA = '{database}' AND TABLE_NAME = '{name}' AND COLUMN_NAME <> '{TABLES[table]}'")


def changes(table, key, columns, last, step):
    """Three transactions: 50 rows, 40 rows, 10 rows."""
    begin = 1 + step * 37 % max(1, last - 100)
    database_time = "update_time = NOW()" if "order_tab" in table else "server_time = server_time + INTERVAL 1 SECOND"
    top = last + 50 * step
    yield (f"INSERT INTO {table} ({key}, {columns}) SELECT {top} + ROW_NUMBER() OVER (ORDER BY {key}), {columns} FROM (SELECT * FROM {table} "
           f"WHERE {key} >= {begin} ORDER BY {key} LIMIT 50) some")
    yield f"UPDATE {table} SET {database_time} WHERE {key} BETWEEN {top + 1} AND {top + 40}"
    yield f"DELETE FROM {table} WHERE {key} BETWEEN {top + 41} AND {top + 50}"


def write_changes(client, events):
    """At least `events` row events; how many they were."""
    n = 0
    plans = {}
    for table, key in TABLES.items():
        plans[table] = (key, columns_of(client, table), int(client.value(f"SELECT MAX({key}) FROM {table}")))
    client.value("SET SESSION binlog_row_image = FULL; SELECT 1")
    step = 0
    while n < events:
        for table, (key, columns, last) in plans.items():
            for statement in changes(table, key, columns, last, step):
                n += int(client.value(statement + "; SELECT ROW_COUNT()"))
        step += 1
    return n


def pinned(*command):
    """CPU seconds (user and system) of a process that has one core."""
    process = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))} ended with {process.returncode}\n{text}")
    return usage.ru_utime + usage.ru_stime


def site(path, name, port, capture):
    business, matomo = (f"mysql://root@127.0.0.1:{port}/{database}" for database in ("dianshu_backend", "matomo"))
    call(LODESTONE, "init", path / name, "--source", business, "--matomo", matomo, "--set", f"source.capture={capture}", "--set",
         "log.level=warn")
    return path / name / "lodestone.yaml"


def rate(path, port, client, rounds, quick):
    followed, whole = site(path, "followed", port, "binlog"), site(path, "whole", port, "full")
    call(LODESTONE, "-c", followed, "extract")
    shutil.copytree(followed.parent, path / "before", symlinks=True)
    events = write_changes(client, 50_000 if quick else 500_000)
    ours, theirs = [], []
    for _ in range(rounds):
        shutil.rmtree(followed.parent)
        shutil.copytree(path / "before", followed.parent, symlinks=True)
        ours.append(events / pinned(LODESTONE, "-c", followed, *EXTRACT))
        rows = sum(int(client.value(f"SELECT COUNT(*) FROM {table}")) for table in TABLES)
        theirs.append(rows / pinned(LODESTONE, "-c", whole, *EXTRACT))
        for table in ("raw_business.order_tab", "raw_matomo.log_link_visit_action"):
            query = f"SELECT count(*) AS n, CAST(sum(CAST(hash(t) AS HUGEINT)) AS VARCHAR) AS digest FROM (SELECT * FROM {table}) t"
            digests = [json.loads(call(LODESTONE, "-c", config, "sql", query, "--json").stdout) for config in (followed, whole)]
            if digests[0] != digests[1]:
                raise SystemExit(f"bench: {table} was captured as {digests[0]}, the database has {digests[1]}")
    yield figure("capture_row_events_one_core", ours, "events/s", theirs, least=20_000)


class Watch:
    """Notes when each manifest takes over a place in the log."""

    def __init__(self, lake):
        self.paths = {table: lake / place / "manifest.json" for table, place in MANIFESTS.items()}
        self.seen = {table: [] for table in TABLES}  # (sequence, time)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        stamps = {}
        while not self.done.is_set():
            for table, path in self.paths.items():
                with contextlib.suppress(FileNotFoundError, ValueError, AttributeError):
                    stamp = os.stat(path)
                    if stamps.get(table) == (stamp.st_ino, stamp.st_mtime_ns):
                        continue
                    place = re.search(r'"position":\s*"\d+-\d+-(\d+)', path.read_text())
                    stamps[table] = (stamp.st_ino, stamp.st_mtime_ns)
                    self.seen[table].append((int(place.group(1)), time.monotonic()))
            time.sleep(0.002)

    def close(self):
        self.done.set()
        self.thread.join()

    def seconds(self, commits, patience=30):
        """How long each commit (table, sequence, time) took; waits for the last ones."""
        out = []
        for table, sequence, at in commits:
            limit = time.monotonic() + patience
            while not (self.seen[table] and self.seen[table][-1][0] >= sequence):
                if time.monotonic() > limit:
                    raise SystemExit(f"bench: a change of {table} is not in the lake after {patience} s")
                time.sleep(0.01)
            out.append(max(0.0, next(seen for place, seen in self.seen[table] if place >= sequence) - at))
        return out


def commit(client, table, statement):
    sequence = int(client.value(f"{statement}; SELECT SUBSTRING_INDEX(@@last_gtid, '-', -1)"))
    return table, sequence, time.monotonic()


def trickle(client, plans, seconds):
    """20 changes a second."""
    # Keys that are there: an update of none leaves nothing in the log to wait for.
    keys = {table: client.value(f"SELECT GROUP_CONCAT({key}) FROM (SELECT {key} FROM {table} ORDER BY RAND(7) LIMIT 100) some").split(",")
            for table, (key, _, _) in plans.items()}
    commits, start = [], time.monotonic()
    for i in range(20 * seconds):
        time.sleep(max(0.0, start + i / 20 - time.monotonic()))
        table = list(TABLES)[i % 2]
        key = TABLES[table]
        column = "update_time = update_time + INTERVAL 1 SECOND" if i % 2 == 0 else "server_time = server_time + INTERVAL 1 SECOND"
        commits.append(commit(client, table, f"UPDATE {table} SET {column} WHERE {key} = {keys[table][i // 2 % 100]}"))
    return commits


def bursts(client, plans, n):
    """Each inserts 2,000 rows in one transaction."""
    commits = []
    for i in range(n):
        for table, (key, columns, _) in plans.items():
            commits.append(commit(client, table, f"SET @top = (SELECT MAX({key}) FROM {table}); INSERT INTO {table} ({key}, {columns}) SELECT @top + "
                                                 f"ROW_NUMBER() OVER (ORDER BY {key}), {columns} FROM (SELECT * FROM {table} LIMIT 2000) some"))
        time.sleep(1.5)
    return commits


def latency(path, port, client, quick):
    config = site(path, "watched", port, "binlog")
    call(LODESTONE, "-c", config, "extract")
    plans = {table: (key, columns_of(client, table), int(client.value(f"SELECT MAX({key}) FROM {table}"))) for table, key in TABLES.items()}
    watch = Watch(config.parent / "lake")
    process = subprocess.Popen([str(LODESTONE), "-c", str(config), "pipeline", "watch"], stdout=subprocess.DEVNULL,
                               stderr=open(path / "watch.log", "w"))
    try:
        time.sleep(2)
        watch.seconds(trickle(client, plans, 1), patience=900)  # its first run reads, trains and publishes; from then on it follows the log
        for name, seconds in (("trickle", watch.seconds(trickle(client, plans, 5 if quick else 20))),
                              ("burst", watch.seconds(bursts(client, plans, 3 if quick else 10)))):
            cuts = statistics.quantiles(seconds, n=100, method="inclusive")
            yield figure(f"capture_latency_{name}_p50", [cuts[49]], "s", most=1)
            yield figure(f"capture_latency_{name}_p99", [cuts[98]], "s", most=1)
    finally:
        watch.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(rounds, quick):
    with folder() as path, mariadb(path, log_options=LOG) as port:
        call(LODESTONE, "simulate", "--to", f"mysql://root@127.0.0.1:{port}/dianshu_backend", "--matomo", f"mysql://root@127.0.0.1:{port}/matomo",
             "--events", 100_000 if quick else 1_000_000, "--seed", 7, "--end", "2026-11-01T00:00:00Z")
        client = Client(path)
        try:
            yield from rate(path, port, client, rounds, quick)
            yield from latency(path, port, client, quick)
        finally:
            client.close()
