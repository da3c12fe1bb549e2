"""A database that a real Matomo 5 wrote (the dump of its own tests, shared/data/matomo-omni): extracted without an error, equal to its tables in
SQL; and what a Matomo may be that is not as the config says. Without the dump beside the repository the first part is skipped."""
import gzip
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import ROOT, call, init, sql  # noqa: E402
from servers import folder, mariadb  # noqa: E402

DUMP = ROOT.parent / "shared/data/matomo-omni/OmniFixture-dump.sql.gz"
TABLES = {
    "log_visit": ("idvisit", "idsite", "HEX(idvisitor)", "user_id", "visit_first_action_time", "visit_last_action_time"),
    "log_link_visit_action": ("idlink_va", "idvisit", "HEX(idvisitor)", "server_time", "idaction_url", "idaction_name", "idpageview",
                              "custom_dimension_1", "custom_dimension_5"),
    "log_action": ("idaction", "name", "type"),
    "log_conversion": ("idvisit", "idgoal", "buster", "server_time", "idorder", "url"),
}


class Matomo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = []

        def enter(manager):
            cls.stack.append(manager)
            return manager.__enter__()

        cls.path = enter(folder())
        cls.port = enter(mariadb(cls.path, log_options=("--log-bin=bin", "--server-id=1", "--binlog-format=ROW")))
        cls.business, cls.simulated = (f"mysql://root@127.0.0.1:{cls.port}/{name}" for name in ("dianshu_backend", "matomo"))
        call("simulate", "--to", cls.business, "--matomo", cls.simulated, "--items", 60, "--users", 60, "--events", 1500, "--seed", 3, "--end",
             "2026-11-01T00:00:00Z")

    @classmethod
    def tearDownClass(cls):
        while cls.stack:
            cls.stack.pop().__exit__(None, None, None)

    def client(self, text, database="mysql"):
        done = subprocess.run(["mariadb", "--no-defaults", "--default-character-set=utf8mb4", "--binary-mode", "-h127.0.0.1", f"-P{self.port}",
                               "-uroot", "-N", database], input=text, check=True, capture_output=True)
        return done.stdout.decode()

    def query(self, text, database="mysql"):
        return self.client(text.encode(), database)

    def expect_equal(self, config):
        """Each table of the lake has the rows of the database, all of them, by count and by a digest of columns."""
        for table, columns in TABLES.items():
            texts = ", ".join(f"COALESCE(CAST({column} AS CHAR), '-')" for column in columns)
            n, digest = self.query(f"SELECT COUNT(*), SUM(CAST(CONV(SUBSTR(MD5(CONCAT_WS('|', {texts})), 1, 8), 16, 10) AS UNSIGNED)) FROM {table}",
                                   "omni").split()
            # An engine without CONV: the hexadecimal digits are read by a cast.
            texts = texts.replace("AS CHAR", "AS VARCHAR")
            row = sql(config, "SELECT count(*) AS n, sum(CAST('0x' || substr(md5(concat_ws('|', " + texts + ")), 1, 8) AS BIGINT)) AS digest "
                      f"FROM raw_matomo.{table}")[0]
            self.assertEqual((str(row["n"]), str(int(float(row["digest"])))), (n, digest), table)

    @unittest.skipUnless(DUMP.exists(), f"{DUMP.name} is not there: it lies in shared/ beside the repository and is no part of it")
    def test_a_real_matomo_is_read_as_it_is(self):
        self.query("CREATE DATABASE omni CHARACTER SET utf8mb4")
        self.client(b"SET SESSION sql_mode = '';\n" + gzip.decompress(DUMP.read_bytes()), "omni")
        omni = f"mysql://root@127.0.0.1:{self.port}/omni"
        for capture in ("cursor", "binlog", "full"):
            with self.subTest(capture):
                config = init(self.path / f"omni-{capture}", self.business, f"source.capture={capture}", "source.matomo_prefix=", matomo=omni)
                done = call("-c", config, "pipeline", "run", "--to", "build")
                self.assertIn("Matomo 5.1.0-b2", done.stderr)
                self.expect_equal(config)
                self.assertEqual([row for row in sql(config, "SELECT count(*) AS n FROM raw_matomo.log_visit")], [{"n": 499}])
                self.assertNotIn("quarantined", done.stdout)
                call("-c", config, "extract")
                self.expect_equal(config)
        changed = self.path / "omni-cursor/lodestone.yaml"
        self.query("UPDATE log_visit SET user_id = '7', visit_last_action_time = UTC_TIMESTAMP() WHERE idvisit % 5 = 0; "
                   "DELETE FROM log_link_visit_action WHERE idlink_va % 9 = 0; UPDATE log_action SET name = 'shop.example/dataDetail/7' WHERE idaction = 3",
                   "omni")
        call("-c", changed, "extract", "--compare")
        self.expect_equal(changed)
        log = self.path / "omni-binlog/lodestone.yaml"
        call("-c", log, "extract")
        self.expect_equal(log)

    def test_another_prefix_is_named(self):
        config = init(self.path / "prefix", self.business, "source.matomo_prefix=piwik_", matomo=self.simulated)
        for verb in (("extract",), ("check",)):
            done = call("-c", config, *verb, code=1)
            self.assertIn('has no table piwik_log_visit; the prefix there is "matomo_". Set source.matomo_prefix', done.stdout + done.stderr)
        self.assertIn("business: mysql", done.stdout)  # check goes on, too
        # The business tables are read all the same.
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM raw_business.dataset"), [{"n": 60}])
        none = init(self.path / "none", self.business, matomo=self.business)
        self.assertIn("has no table whose name ends in log_visit", call("-c", none, "extract", code=1).stderr)

    def test_another_version_is_said(self):
        config = init(self.path / "version", self.business, matomo=self.simulated)
        self.query("CREATE OR REPLACE TABLE matomo_option (option_name VARCHAR(191) PRIMARY KEY, option_value LONGTEXT); "
                   "INSERT INTO matomo_option VALUES ('version_core', '9.0.1')", "matomo")
        self.assertIn("Matomo 9.0.1: its tables were never tested, those of Matomo 5 were", call("-c", config, "extract").stderr)
        self.assertRegex(call("-c", config, "check").stdout, "warn +source +Matomo 9.0.1")
        self.query("DROP TABLE matomo_option", "matomo")
        self.assertNotIn("Matomo 9", call("-c", config, "extract").stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
