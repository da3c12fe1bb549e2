"""kill -9 at random points of extraction, while the databases change: the lake's raw tables end equal to the databases, row by row.

The default is 25 kills a way of capture. `./run soak [N]` is the long form: 1,000 of the release build, compared every 100.
"""
import os
import random
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import LODESTONE, call, init, sql  # noqa: E402
from servers import folder, mariadb  # noqa: E402

KILLS = int(os.environ.get("LODESTONE_KILLS", "25"))
COMPARE_EVERY = 100
TABLES = ["raw_business.order_tab", "raw_business.dataset", "raw_business.user", "raw_business.dict", "raw_matomo.log_visit",
          "raw_matomo.log_link_visit_action", "raw_matomo.log_action", "raw_matomo.log_conversion"]
# Each changes some of the rows whose number it gets.
CHANGES = [
    "UPDATE dianshu_backend.dataset SET price = price + 1, update_time = NOW() WHERE id % 17 = {0} % 17",
    "INSERT INTO dianshu_backend.order_tab (id, dataset_id, create_user, price, pay_status, is_delete, create_time, update_time) SELECT "
    "(SELECT MAX(id) FROM dianshu_backend.order_tab) + ROW_NUMBER() OVER (ORDER BY id), dataset_id, create_user, price, pay_status, "
    "is_delete, NOW(), NOW() FROM dianshu_backend.order_tab LIMIT {0}",
    "DELETE FROM dianshu_backend.order_tab WHERE id % 97 = {0} % 97",
    "INSERT INTO matomo.matomo_log_link_visit_action (idlink_va, idsite, idvisitor, idvisit, server_time, idaction_url) SELECT (SELECT "
    "MAX(idlink_va) FROM matomo.matomo_log_link_visit_action) + ROW_NUMBER() OVER (ORDER BY idlink_va), idsite, idvisitor, idvisit, NOW(), "
    "idaction_url FROM matomo.matomo_log_link_visit_action LIMIT {0}",
    "UPDATE matomo.matomo_log_visit SET visit_last_action_time = NOW() WHERE idvisit % 31 = {0} % 31",
    "UPDATE dianshu_backend.user SET province = 'nowhere' WHERE id % 29 = {0} % 29",
]


class Kills(unittest.TestCase):
    def check(self, capture, *last_options):
        random_number = random.Random(20261125)
        with folder() as path, mariadb(path, log_options=("--log-bin=bin", "--server-id=1", "--binlog-format=ROW")) as port:
            business, matomo = (f"mysql://root@127.0.0.1:{port}/{name}" for name in ("dianshu_backend", "matomo"))
            call("simulate", "--to", business, "--matomo", matomo, "--items", 500, "--users", 500, "--events", 20000, "--seed", 3, "--end",
                 "2026-11-01T00:00:00Z")
            config = init(path / "killed", business, f"source.capture={capture}", "log.level=warn", matomo=matomo)
            whole = init(path / "whole", business, "source.capture=full", "log.level=warn", matomo=matomo)
            n_kills, seconds = 0, 1.0
            log = self.enterContext(open(path / "extract.log", "w"))
            # An extraction may end before its kill; then it is none, and the next ones are killed within the time that it took.
            for attempt in range(1, 4 * KILLS + 1):
                change = random_number.choice(CHANGES).format(random_number.randrange(1, 500))
                self.change(port, change, path)
                start = time.monotonic()
                process = subprocess.Popen([str(LODESTONE), "-c", str(config), "extract"], stdout=subprocess.DEVNULL, stderr=log)
                try:
                    process.wait(random_number.random() * 1.2 * seconds)
                    self.assertEqual(process.returncode, 0, f"an extraction with capture {capture} failed after {n_kills} kills:\n" +
                                     (path / "extract.log").read_text()[-2000:])
                    seconds = time.monotonic() - start
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    n_kills += 1
                    if n_kills % COMPARE_EVERY == 0 and n_kills < KILLS:
                        self.expect_equal(config, whole, f"{n_kills} kills with capture {capture}", *last_options)
                if n_kills == KILLS:
                    break
            self.assertGreater(n_kills, KILLS // 2, f"too few of {attempt} extractions lasted until their kill")
            self.expect_equal(config, whole, f"{n_kills} kills with capture {capture}", *last_options)

    def change(self, port, statement, path):
        done = subprocess.run(["mariadb", "-h127.0.0.1", f"-P{port}", "-uroot", "-e", statement], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{statement}\n{done.stderr}\n{(path / 'mariadb.log').read_text()[-2000:]}")

    def expect_equal(self, config, whole, when, *last_options):
        call("-c", config, "extract", *last_options)
        call("-c", whole, "extract")
        for table in TABLES:
            rows = f"SELECT count(*) AS n, CAST(sum(CAST(hash(t) AS HUGEINT)) AS VARCHAR) AS digest FROM (SELECT * FROM {table}) t"
            self.assertEqual(sql(config, rows), sql(whole, rows), f"{table} after {when}")
        print(f"equal after {when}", file=sys.stderr, flush=True)

    def test_cursor(self):
        self.check("cursor", "--compare")

    def test_binlog(self):
        self.check("binlog")


if __name__ == "__main__":
    unittest.main(verbosity=2)
