"""Reading changes by cursor: what 1,000 changed rows cost in a table of 1 M rows, against the same in one of 100 k.

Both have the indexes of `lodestone indexes apply`. The cost should follow the change and not the table, so the ratio is near 1. A second
figure has ten times the changes in the large table.
"""
import json
import subprocess
import time

from support import LODESTONE, figure, folder, mariadb
from support import run as call

TABLE = "matomo_log_link_visit_action"


class Shop:
    def __init__(self, path, port, rows):
        self.port, self.name = port, f"matomo{rows}"
        business, matomo = (f"mysql://root@127.0.0.1:{port}/{name}" for name in (f"shop{rows}", self.name))
        call(LODESTONE, "simulate", "--to", business, "--matomo", matomo, "--events", rows, "--seed", 7, "--end", "2026-11-01T00:00:00Z")
        call(LODESTONE, "init", path / self.name, "--source", business, "--matomo", matomo, "--set", "source.compare_hours=0",
             "--set", "source.overlap_seconds=0")  # else each round would read the rounds before it again
        self.program = [LODESTONE, "-c", path / self.name / "lodestone.yaml"]
        call(*self.program, "indexes", "apply")
        call(*self.program, "extract")
        call(*self.program, "extract")  # the first reading is followed by one that reads its overlap again
        self.round = 0

    def changes_a_second(self, n):
        """`n` rows, spread over the keys, get a new time; how many of them a second an extract takes over, all tables asked."""
        self.round += 1
        step = max(1, int(self.query(f"SELECT MAX(idlink_va) FROM {TABLE}")) // n)
        self.query(f"UPDATE {TABLE} SET custom_dimension_3 = 'round {self.round}', server_time = UTC_TIMESTAMP() WHERE idlink_va % {step} = 0 LIMIT {n}")
        start = time.monotonic()
        call(*self.program, "pipeline", "run", "--from", "extract", "--to", "extract")
        seconds = time.monotonic() - start
        seen = json.loads(call(*self.program, "sql", "SELECT count(*) AS n FROM raw_matomo.log_link_visit_action WHERE custom_dimension_3 = "
                               f"'round {self.round}'", "--json").stdout)[0]["n"]
        changed = int(self.query(f"SELECT COUNT(*) FROM {TABLE} WHERE custom_dimension_3 = 'round {self.round}'"))
        if seen != changed or changed < n * 0.9:
            raise SystemExit(f"bench: {n} rows were to change, {changed} did, and {seen} are in the lake")
        return seen / seconds

    def query(self, text):
        return subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-uroot", "-N", self.name, "-e", text], check=True,
                              capture_output=True, text=True).stdout.strip()


def run(rounds, quick):
    small, large = (20_000, 200_000) if quick else (100_000, 1_000_000)
    with folder() as path, mariadb(path) as port:
        shops = {rows: Shop(path, port, rows) for rows in (small, large)}
        rates = {"large": [], "small": [], "more": []}
        for _ in range(rounds):
            rates["large"].append(shops[large].changes_a_second(1000))
            rates["small"].append(shops[small].changes_a_second(1000))
            rates["more"].append(shops[large].changes_a_second(10_000))
    yield figure("incremental_changes_1m_rows", rates["large"], "rows/s", rates["small"], ratio_goal=0.67)
    yield figure("incremental_10k_changes_1m_rows", rates["more"], "rows/s", rates["large"])
