"""simulate -> MariaDB -> lake -> bundle -> HTTP; the answers equal what SQL computes in the database itself, without any of our code.

Behaviour is learned from orders alone here (the other weights are 0), so that the cosine between two data sets is one SQL query.
"""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve, sql  # noqa: E402
from servers import folder, mariadb  # noqa: E402

ORDERS = """
  (SELECT create_user AS user, dataset_id AS item FROM order_tab WHERE pay_status IN (1, 5) AND is_delete = 0
   UNION ALL SELECT creator_id, api_id FROM api_order WHERE pay_status = 1 AND is_delete = 0)"""
COUNTS = f"(SELECT user, item, COUNT(*) AS w FROM {ORDERS} o GROUP BY user, item)"
COSINE = f"""
  SELECT a.item, b.item, SUM(a.w * b.w) / SQRT(na.s * nb.s)
  FROM {COUNTS} a JOIN {COUNTS} b ON a.user = b.user AND a.item <> b.item
  JOIN (SELECT item, SUM(w * w) AS s FROM {COUNTS} x GROUP BY item) na ON na.item = a.item
  JOIN (SELECT item, SUM(w * w) AS s FROM {COUNTS} x GROUP BY item) nb ON nb.item = b.item
  GROUP BY a.item, b.item, na.s, nb.s"""


class Marketplace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = []

        def enter(manager):
            cls.stack.append(manager)
            return manager.__enter__()

        cls.path = enter(folder())
        cls.port = enter(mariadb(cls.path))
        business = f"mysql://root@127.0.0.1:{cls.port}/dianshu_backend"
        matomo = f"mysql://root@127.0.0.1:{cls.port}/matomo"
        call("simulate", "--to", business, "--matomo", matomo, "--items", 300, "--users", 400, "--events", 30000, "--days", 120, "--seed", 5,
             "--end", "2026-11-01T00:00:00Z", "--truth", cls.path / "truth.json")
        cls.truth = json.loads((cls.path / "truth.json").read_text())
        # A reader's account, as an operator would make it.
        cls.query("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'p w'; GRANT SELECT ON dianshu_backend.* TO reader@'127.0.0.1'; "
                  "GRANT SELECT ON matomo.* TO reader@'127.0.0.1'")
        cls.config = init(cls.path / "site", business.replace("root@", "reader@"), "training.behavior_method=itemknn-cosine",
                          "training.half_life_days=36500", "training.view_weight=0", "training.click_weight=0", "training.cart_weight=0",
                          "training.order_weight=1", "training.max_history=5000", matomo=matomo.replace("root@", "reader@"))
        cls.secrets = {"LODESTONE_SOURCE_BUSINESS_PASSWORD": "p w", "LODESTONE_SOURCE_MATOMO_PASSWORD": "p w"}
        cls.run_output = call("-c", cls.config, "pipeline", "run", environment=cls.secrets)
        cls.site = enter(serve(cls.config))

    @classmethod
    def tearDownClass(cls):
        while cls.stack:
            cls.stack.pop().__exit__(None, None, None)

    @classmethod
    def query(cls, text):
        """Rows of MariaDB's own client, as lists of text."""
        done = subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{cls.port}", "-uroot", "--default-character-set=utf8mb4", "-N", "-B", "dianshu_backend", "-e", text],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return [row.split("\t") for row in done.stdout.splitlines()]

    def test_every_source_row_is_in_the_lake(self):
        for source, database, prefix in (("business", "dianshu_backend", ""), ("matomo", "matomo", "matomo_")):
            for (table,) in self.query(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}'"):
                wanted = int(self.query(f"SELECT COUNT(*) FROM {database}.{table}")[0][0])
                name = table.removeprefix(prefix)
                found = sql(self.config, f'SELECT count(*) AS n FROM raw_{source}."{name}"')[0]["n"]
                self.assertEqual(found, wanted, table)

    def test_connections_come_from_a_pool_and_none_is_left(self):
        for source in ("business", "matomo"):
            self.assertIn(f"pool {source}: 0 in use, 1 idle, 0 beyond 10 (at most 20); 1 opened", self.run_output.stderr)
        self.assertEqual(self.query("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'reader'"), [["0"]])

    def test_orders_are_the_paid_ones_that_nobody_deleted(self):
        found = {row["kind"]: row["n"] for row in sql(self.config, "SELECT kind, count(*) AS n FROM events GROUP BY kind")}
        for kind in ("order", "api_order"):
            self.assertEqual(found[kind], self.truth["events"][kind], kind)
        paid = int(self.query(f"SELECT COUNT(*) FROM {ORDERS} o")[0][0])
        self.assertEqual(found["order"] + found["api_order"], paid)

    def test_similar_scores_equal_the_cosine_computed_in_sql(self):
        cosine = {}
        for item, other, value in self.query(COSINE):
            cosine.setdefault(int(item), {})[int(other)] = float(value)
        compared = 0
        for item in sorted(cosine):
            answer = self.site.get(f"/similar/{item}?limit=50&explain=true")
            self.assertEqual(answer.status, 200)
            given = {}
            for entry in answer.json()["similar_items"]:
                behavior = entry["channels"].get("behavior")
                self.assertEqual(behavior is not None, "behavior" in entry["reason"].split("+"), entry)
                if behavior:
                    given[entry["dataset_id"]] = behavior["score"]
            for other, score in given.items():
                # The half-life of 100 years moves a score by less than half a percent.
                self.assertAlmostEqual(score, cosine[item][other], delta=0.01 * cosine[item][other] + 1e-6, msg=f"{item} -> {other}")
                compared += 1
            shown = {int(row[0]) for row in self.query("SELECT id FROM dataset WHERE is_delete = 0 AND status = 1 AND publish_status = 1")}
            best = sorted((v for k, v in cosine[item].items() if k in shown), reverse=True)[:3]
            mine = sorted(given.values(), reverse=True)[:3]
            for expected, found in zip(best, mine):
                self.assertAlmostEqual(found, expected, delta=0.01 * expected + 1e-6, msg=f"best neighbours of {item}")
            if compared > 500:
                break
        self.assertGreater(compared, 100)

    def test_cards_show_the_database_row(self):
        rows = {int(r[0]): (r[1], float(r[2])) for r in self.query("SELECT id, dataset_name, price FROM dataset WHERE price IS NOT NULL")}
        item = next(iter(rows))
        for entry in self.site.get(f"/similar/{item}?limit=50").json()["similar_items"]:
            if entry["dataset_id"] in rows and "\\" not in rows[entry["dataset_id"]][0]:
                title, price = rows[entry["dataset_id"]]
                self.assertEqual(entry["title"], title)
                self.assertAlmostEqual(entry["price"], price, places=6)

    def test_nobody_is_shown_what_they_own_or_what_is_off_the_shelf(self):
        hidden = {int(r[0]) for r in self.query("SELECT id FROM dataset WHERE is_delete <> 0 OR status <> 1 OR publish_status <> 1")}
        self.assertTrue(hidden)
        users = self.query(f"SELECT user, GROUP_CONCAT(item) FROM {ORDERS} o GROUP BY user LIMIT 60")
        for user, items in users:
            owned = {int(i) for i in items.split(",")}
            entries = self.site.get(f"/recommend/user/{user}?limit=50").json()["recommendations"]
            self.assertEqual(len(entries), 50)
            shown = {entry["dataset_id"] for entry in entries}
            self.assertFalse(shown & owned, f"user {user}")
            self.assertFalse(shown & hidden, f"user {user}")
            scores = [entry["score"] for entry in entries]
            self.assertEqual(scores, sorted(scores, reverse=True))

    def test_no_secret_is_printed(self):
        self.assertNotIn("p w", self.run_output.stdout + self.run_output.stderr)
        self.assertNotIn("p w", call("-c", self.config, "config", environment=self.secrets).stdout)

    def test_wrong_password_names_user_and_way_out_and_keeps_the_lake(self):
        before = sql(self.config, "SELECT count(*) AS n FROM events")
        done = call("-c", self.config, "extract", code=1, environment={**self.secrets, "LODESTONE_SOURCE_BUSINESS_PASSWORD": "wrong"})
        self.assertIn("reader", done.stderr)
        self.assertNotIn("wrong'", done.stderr)
        self.assertEqual(sql(self.config, "SELECT count(*) AS n FROM events"), before)

    def test_a_second_release_is_followed_and_rolled_back(self):
        first = self.site.get("/similar/1").json()["algorithm_version"]
        call("-c", self.config, "pipeline", "run", "--from", "train", environment={**self.secrets, "LODESTONE_TRAINING_NEIGHBORS": "60"})
        newest = next(entry["id"] for entry in json.loads(call("-c", self.config, "bundle", "list", "--json").stdout) if entry["current"])
        self.assertNotEqual(newest, first)
        self.assertEqual(self.site.post("/models/reload", {"mode": "primary", "source": newest}).status, 200)
        self.assertEqual(self.site.get("/similar/1").json()["algorithm_version"], newest)
        self.assertEqual(self.site.post("/models/rollback", {}).status, 200)
        self.assertEqual(self.site.get("/similar/1").json()["algorithm_version"], first)


if __name__ == "__main__":
    os.umask(0o077)
    unittest.main(verbosity=2)
