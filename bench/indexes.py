"""Reading the newest changes of 1 M rows, and writing single rows, with the index that `lodestone indexes apply` makes against without.

Both come from apply's own report: it measures the same query and the same writes before and after, and drop makes the next round begin
without the index again. The goals are half the reading time, and writes that cost less than a tenth more.
"""
import json

from support import LODESTONE, figure, folder, mariadb
from support import run as call

READ = "matomo_log_link_visit_action"
WRITTEN = (READ, "order_tab")


def run(rounds, quick):
    rows = 100_000 if quick else 1_000_000
    reading = {"with": [], "without": []}
    writing = {table: {"with": [], "without": []} for table in WRITTEN}
    with folder() as path, mariadb(path) as port:
        business = f"mysql://root@127.0.0.1:{port}/dianshu_backend"
        matomo = f"mysql://root@127.0.0.1:{port}/matomo"
        call(LODESTONE, "simulate", "--to", business, "--matomo", matomo, "--events", rows, "--seed", 7, "--end", "2026-11-01T00:00:00Z")
        call(LODESTONE, "init", path / "site", "--source", business, "--matomo", matomo)
        indexes = [LODESTONE, "-c", path / "site" / "lodestone.yaml", "indexes"]
        for _ in range(rounds):
            report = {row["table"]: row for row in json.loads(call(*indexes, "apply", "--json").stdout)["indexes"]}
            reading["without"].append(1000 / report[READ]["before"]["milliseconds"])
            reading["with"].append(1000 / report[READ]["after"]["milliseconds"])
            for table in WRITTEN:
                writing[table]["without"].append(1e6 / report[table]["write_cost"]["without_us"])
                writing[table]["with"].append(1e6 / report[table]["write_cost"]["with_us"])
            call(*indexes, "verify")
            call(*indexes, "drop")
    yield figure("indexes_read_changes_1m_rows", reading["with"], "reads/s", reading["without"], ratio_goal=2)
    for table in WRITTEN:
        yield figure(f"indexes_write_{table.removeprefix('matomo_')}", writing[table]["with"], "writes/s", writing[table]["without"],
                     ratio_goal=0.91)
