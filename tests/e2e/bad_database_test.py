"""What a database may do wrong, from the outside: each gets a sentence that names it and the way out, and the lake loses nothing."""
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, sql  # noqa: E402
from servers import folder, mariadb  # noqa: E402


class BadDatabase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = []

        def enter(manager):
            cls.stack.append(manager)
            return manager.__enter__()

        cls.path = enter(folder())
        cls.port = enter(mariadb(cls.path, log_options=("--log-bin=bin", "--server-id=1", "--binlog-format=ROW")))
        cls.matomo = f"mysql://root@127.0.0.1:{cls.port}/matomo"

    @classmethod
    def tearDownClass(cls):
        while cls.stack:
            cls.stack.pop().__exit__(None, None, None)

    def setUp(self):
        self.query("DROP DATABASE IF EXISTS dianshu_backend; DROP DATABASE IF EXISTS matomo; SET GLOBAL binlog_format = 'ROW'")
        self.query("DROP USER IF EXISTS reader@'127.0.0.1'; CREATE USER reader@'127.0.0.1'; "
                   "GRANT SELECT ON `dianshu_backend`.* TO reader@'127.0.0.1'; GRANT SELECT ON `matomo`.* TO reader@'127.0.0.1'")
        root = f"mysql://root@127.0.0.1:{self.port}/dianshu_backend"
        call("simulate", "--to", root, "--matomo", self.matomo, "--items", 60, "--users", 60, "--events", 1500, "--seed", 3,
             "--end", "2026-11-01T00:00:00Z")
        self.site = self.path / self.id().rsplit(".", 1)[1]

    def query(self, text):
        return subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-uroot", "-N", "-e", text],
                              check=True, capture_output=True, text=True).stdout

    def address(self, database, user="reader"):
        return f"mysql://{user}@127.0.0.1:{self.port}/{database}"

    def init(self, name, *settings):
        return init(self.site / name, self.address("dianshu_backend"), *settings, matomo=self.address("matomo"))

    def refused(self, config, *says, verb=("extract",)):
        done = call("-c", config, *verb, code=1)
        for text in says:
            self.assertIn(text, done.stderr)
        return done.stderr

    def orders(self, config):
        return sql(config, "SELECT * FROM raw_business.order_tab ORDER BY id")

    def test_a_right_that_is_missing_is_named_with_its_grant(self):
        config = self.init("log", "source.capture=binlog")
        # Only the log needs more than SELECT.
        self.refused(config, "REPLICATION SLAVE", "GRANT ", "'reader'@'127.0.0.1'")
        self.assertGreater(sql(config, "SELECT count(*) AS n FROM raw_matomo.log_visit")[0]["n"], 0)
        self.query("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO reader@'127.0.0.1'")
        call("-c", config, "extract")
        before = self.orders(config)
        self.query("REVOKE SELECT ON `dianshu_backend`.* FROM reader@'127.0.0.1'; "
                   "GRANT SELECT ON `dianshu_backend`.`dataset` TO reader@'127.0.0.1'")
        cursor = self.init("cursor")
        stderr = call("-c", cursor, "extract", code=1).stderr
        self.assertIn("order_tab", stderr)
        self.assertEqual(self.orders(config), before)

    def test_an_account_that_may_only_read_cannot_be_written_to(self):
        config = self.init("site")
        call("-c", config, "extract")
        before = self.orders(config)
        self.refused(config, "reader", "GRANT", verb=("indexes", "apply"))
        done = call("simulate", "--to", self.address("dianshu_backend"), "--matomo", self.address("matomo"), "--items", 60, "--users", 60,
                    "--events", 1500, "--overwrite", code=1)
        self.assertIn("GRANT SELECT, INSERT, CREATE, DROP ON `dianshu_backend`.* TO 'reader'@'127.0.0.1'", done.stderr)
        call("-c", config, "extract")
        self.assertEqual(self.orders(config), before)

    def test_a_log_of_another_format_says_what_to_set(self):
        self.query("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO reader@'127.0.0.1'; SET GLOBAL binlog_format = 'MIXED'")
        config = self.init("site", "source.capture=binlog")
        self.refused(config, "binlog_format=MIXED", "set GLOBAL binlog_format='ROW'")
        self.query("SET GLOBAL binlog_format = 'ROW'")
        call("-c", config, "extract")

    def test_a_purged_log_is_healed_by_reading_anew(self):
        self.query("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO reader@'127.0.0.1'")
        config = self.init("site", "source.capture=binlog")
        call("-c", config, "extract")
        self.query("UPDATE dianshu_backend.order_tab SET price = price + 1 WHERE id % 3 = 0; DELETE FROM dianshu_backend.order_tab WHERE id % 7 = 1")
        # A file goes when InnoDB has made sure of what stands in it.
        self.query("SET GLOBAL innodb_flush_log_at_trx_commit = 1; FLUSH BINARY LOGS; UPDATE dianshu_backend.order_tab SET price = price + 1 WHERE id = 2")
        for _ in range(100):
            files = self.query("SHOW BINARY LOGS").split()[0::2]
            if len(files) == 1:
                break
            self.query(f"PURGE BINARY LOGS TO '{files[-1]}'")
            time.sleep(0.1)
        else:
            self.fail(f"the server keeps {files}")
        self.assertIn("no longer holds", call("-c", config, "extract").stderr)
        whole = self.init("whole", "source.capture=full")
        call("-c", whole, "extract")
        self.assertEqual(self.orders(config), self.orders(whole))

    def test_a_table_that_was_dropped_stays_as_it_was_and_the_others_go_on(self):
        config = self.init("site")
        call("-c", config, "extract")
        before = self.orders(config)
        self.query("DROP TABLE dianshu_backend.order_tab; UPDATE dianshu_backend.dataset SET price = 99, update_time = NOW() WHERE id = 1")
        self.refused(config, "has no table order_tab")
        self.assertEqual(self.orders(config), before)
        self.assertEqual(sql(config, "SELECT CAST(price AS DOUBLE) AS price FROM raw_business.dataset WHERE id = 1"), [{"price": 99.0}])

    def test_a_contract_that_contradicts_itself(self):
        config = self.init("site", "lake.contracts_folder=contracts")
        (config.parent / "contracts").mkdir()
        call("-c", config, "extract")
        before = self.orders(config)
        text = (Path(__file__).resolve().parents[2] / "contracts/order_tab.yaml").read_text()
        (config.parent / "contracts/order_tab.yaml").write_text(text.replace("primary_key: [id]", "primary_key: [nowhere]"))
        self.assertIn('order_tab.yaml:6: primary_key: "nowhere" is no column of this contract', call("-c", config, "extract", code=2).stderr)
        (config.parent / "contracts/order_tab.yaml").unlink()
        self.assertEqual(self.orders(config), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
