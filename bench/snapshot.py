"""Snapshot of 1 M rows of matomo_log_link_visit_action from MariaDB to Parquet, against the client library alone reading them."""
import json

from support import LODESTONE, ROOT, figure, folder, mariadb
from support import run as call


def run(rounds, quick):
    rows = 100_000 if quick else 1_000_000
    with folder() as path, mariadb(path) as port:
        source = f"mysql://root@127.0.0.1:{port}/dianshu_backend"
        matomo = f"mysql://root@127.0.0.1:{port}/matomo"
        call(LODESTONE, "simulate", "--to", source, "--matomo", matomo, "--events", rows, "--seed", 7, "--end", "2026-11-01T00:00:00Z")
        program = ROOT / "build/release/snapshot_bench"
        ours, theirs = [], []
        for number in range(rounds):
            theirs.append(json.loads(call(program, "client", matomo).stdout)["rows_per_second"])
            ours.append(json.loads(call(program, "snapshot", matomo, path / f"snapshot-{number}.parquet").stdout)["rows_per_second"])
    yield figure("snapshot_1m_rows", ours, "rows/s", theirs, ratio_goal=0.4)
