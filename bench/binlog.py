"""Decoding a binary log of 1 M inserted rows (14 columns) against a replica that only takes the same events."""
import json

from support import ROOT, figure, folder, mariadb
from support import run as call

LOG = ("--log-bin=bin", "--server-id=1", "--binlog-format=ROW", "--binlog-row-metadata=MINIMAL", "--sync-binlog=0")


def run(rounds, quick):
    rows = 100_000 if quick else 1_000_000
    program = ROOT / "build/release/binlog_bench"
    with folder() as path, mariadb(path, log_options=LOG) as port:
        call("mariadb", "--no-defaults", f"--socket={path}/s", "--user=root", "-e", "CREATE DATABASE stats")
        url = f"mysql://root@127.0.0.1:{port}/stats"
        call(program, "fill", url, rows)
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(rows / json.loads(call(program, "read", url).stdout)["seconds"])
            decoded = json.loads(call(program, "decode", url).stdout)
            if decoded["rows"] != rows:
                raise SystemExit(f"bench: {decoded['rows']} of {rows} rows were decoded")
            ours.append(rows / decoded["seconds"])
    yield figure("binlog_decode_1m_rows", ours, "rows/s", theirs, ratio_goal=0.3)
