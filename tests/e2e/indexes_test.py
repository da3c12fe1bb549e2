"""lodestone indexes from the outside, against a real MariaDB that counts their use: exit codes, sentences, reports."""
import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init  # noqa: E402
from servers import folder, mariadb  # noqa: E402

OURS = {
    ("business", "api_order"): ["update_time", "id"],
    ("business", "dataset"): ["update_time", "id"],
    ("business", "dataset_image"): ["update_time", "id"],
    ("business", "order_tab"): ["update_time", "id"],
    ("business", "user"): ["modify_time", "id"],
    ("matomo", "matomo_log_visit"): ["visit_last_action_time", "idvisit"],
    ("matomo", "matomo_log_link_visit_action"): ["server_time", "idlink_va"],
    ("matomo", "matomo_log_conversion"): ["server_time", "idvisit", "idgoal", "buster"],
}


class Indexes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = []

        def enter(manager):
            cls.stack.append(manager)
            return manager.__enter__()

        cls.path = enter(folder())
        cls.port = enter(mariadb(cls.path, "--performance-schema=ON"))
        cls.business = f"mysql://root@127.0.0.1:{cls.port}/dianshu_backend"
        cls.matomo = f"mysql://root@127.0.0.1:{cls.port}/matomo"
        call("simulate", "--to", cls.business, "--matomo", cls.matomo, "--items", 300, "--users", 400, "--events", 20000,
             "--days", 60, "--seed", 5, "--end", "2026-11-01T00:00:00Z")
        cls.query("CREATE USER reader@'127.0.0.1'; GRANT SELECT ON dianshu_backend.* TO reader@'127.0.0.1'; "
                  "GRANT SELECT ON matomo.* TO reader@'127.0.0.1'")
        cls.config = init(cls.path / "site", cls.business, matomo=cls.matomo)

    @classmethod
    def tearDownClass(cls):
        while cls.stack:
            cls.stack.pop().__exit__(None, None, None)

    def setUp(self):
        self.run_verb("drop")

    @classmethod
    def query(cls, text):
        client = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{cls.port}", "-uroot", "-N", "-B", "dianshu_backend", "-e", text]
        done = subprocess.run(client, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return [row.split("\t") for row in done.stdout.splitlines()]

    def run_verb(self, *arguments, code=0, environment=None):
        return call("-c", self.config, "indexes", *arguments, code=code, environment=environment)

    def report(self, *arguments):
        return json.loads(self.run_verb(*arguments, "--json").stdout)

    def names(self):
        return sorted(name for (name,) in self.query(
            "SELECT CONCAT(TABLE_NAME, '.', INDEX_NAME) FROM information_schema.STATISTICS WHERE INDEX_NAME LIKE 'lodestone%' "
            "AND SEQ_IN_INDEX = 1"))

    def test_plan_lists_what_is_needed_and_what_is_not(self):
        rows = self.report("plan")["indexes"]
        self.assertEqual({(row["source"], row["table"]): row["columns"] for row in rows if row["state"] == "missing"}, OURS)
        skipped = {(row["table"], row["index"]): row["reason"] for row in rows if row["state"] == "skipped" and row["index"]}
        self.assertEqual(set(skipped), {("user", "idx_update_time"), ("order_tab", "idx_create_time"),
                                        ("api_order", "idx_create_time"), ("matomo_log_visit", "idx_user_time")})
        self.assertIn("no query of ours filters by idvisitor", skipped["matomo_log_visit", "idx_user_time"])
        self.assertEqual(self.names(), [])

    def test_apply_verify_and_drop(self):
        dry = self.run_verb("apply", "--dry-run").stdout
        self.assertIn("would run CREATE INDEX `lodestone_update_time` ON `dataset` (`update_time`, `id`) ALGORITHM=INPLACE LOCK=NONE",
                      dry)
        self.assertEqual(self.names(), [])
        self.assertIn("8 are missing; run lodestone indexes apply", self.run_verb("verify").stdout)

        applied = self.report("apply", "--html", self.path / "report.html")["indexes"]
        self.assertEqual({(row["source"], row["table"]) for row in applied}, set(OURS))
        for row in applied:
            self.assertEqual(row["outcome"], "made online", row)
            self.assertTrue(row["used"], row)
            self.assertIsNone(row["before"]["key"], row)
            self.assertEqual(row["after"]["key"], row["index"], row)
            self.assertLess(row["after"]["rows"], row["before"]["rows"], row)
            self.assertGreater(row["write_cost"]["ratio"], 0)
        page = (self.path / "report.html").read_text()
        self.assertEqual(page.count("<svg"), 2 * len(OURS))
        self.assertNotIn("http", page)
        self.assertEqual(len(self.names()), len(OURS))

        self.assertEqual({row["state"] for row in self.report("apply")["indexes"]}, {"ours"})
        for row in self.report("verify")["indexes"]:
            self.assertTrue(row["used"], row)
            self.assertGreater(row["reads"], 0, row)

        self.assertIn("would run DROP INDEX `lodestone_modify_time` ON `user`", self.run_verb("drop", "--dry-run").stdout)
        self.assertEqual(len(self.names()), len(OURS))
        self.run_verb("drop")
        self.assertEqual(self.names(), [])
        self.assertEqual(self.query("SHOW TABLES LIKE 'lodestone%'"), [])

    def test_verify_fails_for_an_index_of_ours_that_is_not_used(self):
        self.run_verb("apply", "--no-measure")
        self.query("CREATE INDEX lodestone_create_time ON order_tab (create_time, id)")
        done = self.run_verb("verify", code=1)
        self.assertIn("the server does not use business.order_tab.lodestone_create_time for reading changes", done.stderr)
        self.assertIn("business.order_tab", done.stderr)

    def test_a_missing_right_names_the_grant(self):
        environment = {"LODESTONE_SOURCE_BUSINESS": self.business.replace("root@", "reader@"),
                       "LODESTONE_SOURCE_MATOMO": self.matomo.replace("root@", "reader@")}
        done = self.run_verb("apply", code=1, environment=environment)
        self.assertIn("GRANT INDEX ON `dianshu_backend`.`api_order` TO 'reader'@'127.0.0.1'", done.stderr)
        self.assertEqual(self.names(), [])
        # Planning and verifying need no more than reading does.
        self.run_verb("plan", environment=environment)
        self.assertIn("GRANT SELECT ON performance_schema.table_io_waits_summary_by_index_usage",
                      self.run_verb("verify", environment=environment).stdout)

    def test_a_view_and_a_missing_table(self):
        self.query("RENAME TABLE user TO accounts; CREATE VIEW user AS SELECT * FROM accounts")
        try:
            done = self.run_verb("apply", "--no-measure", code=1)
            self.assertIn("business.user cannot have index lodestone_modify_time: it is a view, and a view has no index; add "
                          "this one to the table behind it", done.stderr)
            self.assertEqual(len(self.names()), len(OURS) - 1)
            self.query("DROP VIEW user")
            self.assertIn("has no table user; it has accounts, ", self.run_verb("plan", code=1).stderr)
        finally:
            self.query("DROP VIEW IF EXISTS user; RENAME TABLE accounts TO user")

    def test_a_table_that_needs_a_lock(self):
        self.query("ALTER TABLE dataset_image ENGINE=MyISAM")
        try:
            done = self.run_verb("apply", "--no-measure", code=1)
            self.assertIn("choose a calm hour and give --allow-lock", done.stderr)
            # What was made before it stays, and is told.
            self.assertIn("api_order", done.stdout)
            self.assertIn("made, writes waited", self.run_verb("apply", "--no-measure", "--allow-lock").stdout)
            self.run_verb("drop", "--allow-lock")
        finally:
            self.query("ALTER TABLE dataset_image ENGINE=InnoDB")

    def test_files_have_no_indexes(self):
        config = init(self.path / "files", f"files:{self.path}")
        done = call("-c", config, "indexes", "plan", code=2)
        self.assertIn("a folder of files, which has no indexes; set it to mysql://USER@HOST:PORT/DB", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
