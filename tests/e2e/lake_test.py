"""The lake's raw tables from the outside, against a real MariaDB: tables that change their columns, quarantine and the way back, freshness."""
import json
import random
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import LODESTONE, ROOT, call, init, sql  # noqa: E402
from servers import folder, mariadb  # noqa: E402


class Lake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = []

        def enter(manager):
            cls.stack.append(manager)
            return manager.__enter__()

        cls.path = enter(folder())
        cls.port = enter(mariadb(cls.path, log_options=("--log-bin=bin", "--server-id=1", "--binlog-format=ROW")))

    @classmethod
    def tearDownClass(cls):
        while cls.stack:
            cls.stack.pop().__exit__(None, None, None)

    def setUp(self):
        self.business, self.matomo = (f"mysql://root@127.0.0.1:{self.port}/{name}" for name in ("dianshu_backend", "matomo"))
        self.query("DROP DATABASE IF EXISTS dianshu_backend; DROP DATABASE IF EXISTS matomo", database="mysql")
        call("simulate", "--to", self.business, "--matomo", self.matomo, "--items", 100, "--users", 100, "--events", 2000, "--seed", 3,
             "--end", "2026-11-01T00:00:00Z")
        self.site = self.path / self.id().rsplit(".", 1)[1]

    def query(self, text, database="dianshu_backend"):
        client = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-uroot", database, "-e", text]
        subprocess.run(client, check=True, capture_output=True)

    def override(self, config, table, *changes):
        """A contract of the user's own: the built-in one with texts replaced."""
        text = (ROOT / f"contracts/{table}.yaml").read_text()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        (config.parent / "contracts").mkdir(exist_ok=True)
        (config.parent / f"contracts/{table}.yaml").write_text(text)

    def expect_equal(self, config, what):
        """The lake's order_tab is what a lake that reads it whole has."""
        whole = init(self.site / f"whole {what}", self.business, "source.capture=full", "log.level=error", matomo=self.matomo)
        call("-c", whole, "extract", environment={"LODESTONE_LAKE_CONTRACTS_FOLDER": str(config.parent / "contracts")})
        rows = "SELECT * FROM raw_business.order_tab ORDER BY id"
        self.assertEqual(sql(config, rows), sql(whole, rows), what)

    def evolve(self, capture):
        config = init(self.site, self.business, f"source.capture={capture}", "lake.contracts_folder=contracts", matomo=self.matomo)
        (config.parent / "contracts").mkdir()
        call("-c", config, "extract")
        steps = [
            ("added", "ADD COLUMN colour VARCHAR(10) DEFAULT 'red'", "column colour (VARCHAR) is new"),
            ("renamed", "RENAME COLUMN colour TO hue", "column hue (VARCHAR) is new; column colour is gone"),
            ("dropped", "DROP COLUMN hue", "column hue is gone"),
            ("added a number", "ADD COLUMN n INT DEFAULT 7", "column n (INTEGER) is new"),
            ("widened", "MODIFY n BIGINT", "column n was INTEGER and is BIGINT"),
            ("narrowed", "MODIFY n INT", "column n was BIGINT and is INTEGER"),
        ]
        for what, change, sentence in steps:
            self.query(f"ALTER TABLE order_tab {change}; UPDATE order_tab SET price = price + 1, update_time = NOW() WHERE id % 10 = 1")
            self.assertIn(sentence, call("-c", config, "extract").stderr, what)
            self.expect_equal(config, what)
        # A column that the contract needs.
        before = sql(config, "SELECT count(*) AS n FROM raw_business.order_tab")
        self.query("ALTER TABLE order_tab RENAME COLUMN pay_status TO pay_statux; UPDATE dataset SET price = 77, update_time = NOW() WHERE id = "
                   "(SELECT id FROM (SELECT min(id) AS id FROM dataset) d)")
        done = call("-c", config, "extract", code=1)
        self.assertIn("table order_tab: column pay_status (int64) is missing (is pay_statux meant?)", done.stderr)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.order_tab"), before)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.dataset WHERE price = 77"), [{"n": 1}])  # others go on
        self.query("ALTER TABLE order_tab RENAME COLUMN pay_statux TO pay_status")
        # A type that no longer fits.
        self.query("ALTER TABLE order_tab MODIFY pay_status VARCHAR(20)")
        self.assertIn("column pay_status is text, the contract wants int64", call("-c", config, "extract", code=1).stderr)
        self.query("ALTER TABLE order_tab MODIFY pay_status INT")
        call("-c", config, "extract")
        self.expect_equal(config, "mended")
        # Another key.
        self.override(config, "order_tab", ("primary_key: [id]", "primary_key: [id, dataset_id]"))
        self.assertIn("its primary key is (id), the contract now says (id, dataset_id)", call("-c", config, "extract").stderr)
        self.expect_equal(config, "another key")

    def test_columns_change_under_the_cursor(self):
        self.evolve("cursor")

    def test_columns_change_under_the_log(self):
        self.evolve("binlog")

    def test_columns_of_type_timestamp_are_read_in_the_zone_of_the_others(self):
        times = "SELECT id, create_time, update_time, pay_time FROM raw_business.order_tab WHERE id % 10 <> 3 ORDER BY id"
        naive = init(self.site / "naive", self.business, matomo=self.matomo)
        call("-c", naive, "extract")
        self.query("SET time_zone = '+08:00'; ALTER TABLE order_tab MODIFY create_time TIMESTAMP NULL, MODIFY update_time TIMESTAMP NULL, "
                   "MODIFY pay_time TIMESTAMP NULL")
        for capture in ("cursor", "binlog"):
            config = init(self.site / capture, self.business, f"source.capture={capture}", matomo=self.matomo)
            call("-c", config, "extract")
            self.assertEqual(sql(config, times), sql(naive, times), capture)
            self.query("SET time_zone = '+08:00'; UPDATE order_tab SET price = price + 1, update_time = '2026-11-02 07:00:00' WHERE id % 10 = 3")
            call("-c", config, "extract")
            changed = sql(config, "SELECT DISTINCT update_time FROM raw_business.order_tab WHERE id % 10 = 3")
            self.assertEqual([row["update_time"][:19].replace("T", " ") for row in changed], ["2026-11-02 07:00:00"], capture)
        summer = init(self.site / "summer", self.business, "source.zone=Europe/Berlin", matomo=self.matomo)
        call("-c", summer, "extract")
        row = sql(summer, "SELECT DISTINCT update_time FROM raw_business.order_tab WHERE id % 10 = 3")[0]
        self.assertEqual(row["update_time"][:19].replace("T", " "), "2026-11-01 23:00:00")
        nowhere = init(self.site / "nowhere", self.business, "source.zone=Mars/Olympus", matomo=self.matomo)
        self.assertIn('source.zone "Mars/Olympus" is no time zone', call("-c", nowhere, "extract", code=2).stderr)

    def test_many_changes_parts_cost_the_build_no_memory(self):
        config = init(self.site, self.business, "pipeline.memory_mib=400", "pipeline.threads=2", matomo=self.matomo)
        for i in range(14):
            self.query(f"UPDATE dataset SET price = price + 1, update_time = NOW() WHERE id % 14 = {i}; "
                       f"UPDATE order_tab SET price = price + 1, update_time = NOW() WHERE id % 14 = {i}; "
                       f"UPDATE matomo.matomo_log_visit SET user_id = {i}, visit_last_action_time = UTC_TIMESTAMP() WHERE idvisit % 14 = {i}; "
                       f"UPDATE matomo.matomo_log_conversion SET revenue = {i}, server_time = UTC_TIMESTAMP() WHERE idvisit % 14 = {i}; "
                       f"UPDATE matomo.matomo_log_link_visit_action SET server_time = UTC_TIMESTAMP() WHERE idlink_va % 14 = {i}")
            call("-c", config, "pipeline", "run", "--from", "extract", "--to", "extract")
        call("-c", config, "pipeline", "run", "--from", "build", "--to", "build")
        whole = init(self.site / "whole", self.business, "source.capture=full", matomo=self.matomo)
        call("-c", whole, "pipeline", "run", "--to", "build")
        events = "SELECT count(*) AS n, CAST(sum(CAST(hash(e) AS HUGEINT)) AS VARCHAR) AS digest FROM (SELECT * FROM events) e"
        self.assertEqual(sql(config, events), sql(whole, events))
        self.assertEqual(list((self.site / "lake").glob(".changes*")), [])

    def test_quarantine_and_the_way_back(self):
        config = init(self.site, self.business, "source.capture=cursor", "lake.contracts_folder=contracts", matomo=self.matomo)
        (config.parent / "contracts").mkdir()
        self.query("ALTER TABLE dataset MODIFY dataset_name VARCHAR(255) NULL; UPDATE dataset SET dataset_name = NULL, update_time = NOW() "
                   "ORDER BY id LIMIT 3")
        call("-c", config, "extract")
        bad = [row["id"] for row in sql(config, "SELECT id FROM quarantine.business_dataset ORDER BY CAST(id AS BIGINT)")]
        self.assertEqual(len(bad), 3)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.dataset"), [{"n": 97}])
        # Mended at the source, it leaves by itself.
        self.query(f"UPDATE dataset SET dataset_name = 'mended', update_time = NOW() WHERE id = {bad[0]}")
        call("-c", config, "extract")
        (row,) = json.loads(call("-c", config, "quarantine", "list", "--json").stdout)
        self.assertEqual((row["table"], row["rows"]), ("business.dataset", 2))
        # The contract was too strict.
        readmit = ("-c", config, "quarantine", "readmit", "business.dataset")
        self.assertIn("0 readmitted, 0 overtaken by newer rows and dropped, 2 still refused\n  2 refused: column dataset_name is null",
                      call(*readmit).stdout)
        self.override(config, "dataset", ("dataset_name: {type: text, nullable: false}", "dataset_name: {type: text}"))
        self.assertIn("would be 2 readmitted", call(*readmit, "--dry-run").stdout)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.dataset"), [{"n": 98}])
        self.assertEqual(json.loads(call(*readmit, "--keys", bad[1], "--json").stdout),
                         {"table": "business.dataset", "readmitted": 1, "overtaken": 0, "refused": {}})
        # Killed at any point, it has done all or nothing.
        random_number = random.Random(20261126)
        for _ in range(5):
            process = subprocess.Popen([str(LODESTONE), *map(str, readmit)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random_number.random() * 0.1)
            process.kill()
            process.wait()
            n_here = sql(config, "SELECT count(*) AS n FROM raw_business.dataset")[0]["n"]
            n_aside = sum(one["rows"] for one in json.loads(call("-c", config, "quarantine", "list", "--json").stdout))
            self.assertEqual(n_here + n_aside, 100)
        call(*readmit)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.dataset"), [{"n": 100}])
        self.assertIn("no row is in quarantine", call("-c", config, "quarantine", "list").stdout)
        self.assertIn("0 readmitted, 0 overtaken by newer rows and dropped, 0 still refused", call(*readmit).stdout)
        call("-c", config, "extract", "--compare")
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.dataset"), [{"n": 100}])
        done = call("-c", config, "quarantine", "readmit", "business.dataste", code=1)
        self.assertIn("there is no table business.dataste; did you mean \"business.dataset\"?", done.stderr)

    def test_freshness(self):
        config = init(self.site, self.business, "source.capture=cursor", "source.zone=UTC", matomo=self.matomo)
        call("-c", config, "extract")
        status = lambda: {row["table"]: row for row in json.loads(call("-c", config, "lake", "status", "--json").stdout)}  # noqa: E731
        quiet = status()["order_tab"]
        # Its newest order is old, but there is no newer one.
        self.assertEqual((quiet["lag_seconds"], quiet["rows"] > 0, quiet["newest_in_source"]), (0, True, quiet["newest_in_lake"]))
        self.query("UPDATE order_tab SET update_time = DATE_ADD(UTC_TIMESTAMP(), INTERVAL 50 SECOND) ORDER BY id LIMIT 1")
        late = status()["order_tab"]
        self.assertGreaterEqual(late["lag_seconds"], 40)
        self.assertLess(late["lag_seconds"], 600)  # since the reading, not since the newest order before
        self.assertIsNone(status()["dict"]["lag_seconds"])  # its rows do not tell when they changed
        table = call("-c", config, "lake", "status").stdout
        self.assertRegex(table, r"business\.order_tab +\d+ +\S+ +\S+ +\S+ +\d+ s +0")
        call("-c", config, "extract")
        self.assertEqual(status()["order_tab"]["lag_seconds"], 0)
        # A source that is not there leaves the lag open.
        gone = call("-c", config, "lake", "status", "--json", environment={"LODESTONE_SOURCE_BUSINESS": "mysql://root@127.0.0.1:1/db"})
        self.assertIn("127.0.0.1:1", gone.stderr)
        rows = {row["table"]: row for row in json.loads(gone.stdout)}
        self.assertIsNone(rows["order_tab"]["lag_seconds"])
        self.assertEqual(rows["log_visit"]["lag_seconds"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
