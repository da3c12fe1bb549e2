"""The features from the outside: what list, show and build print and write, and that neither later nor repeated rows change a value."""
import contextlib
import json
import shutil
import sqlite3
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, sql  # noqa: E402
from servers import folder  # noqa: E402

AS_OF = "2026-10-20T00:00:00Z"


class Features(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        cls.source = cls.path / "source"
        call("simulate", "--to", f"files:{cls.source}", "--items", 100, "--users", 200, "--events", 5000, "--seed", 3, "--end", "2026-11-01T00:00:00Z")
        cls.config = init(cls.path / "site", f"files:{cls.source}")
        call("-c", cls.config, "pipeline", "run", "--to", "build")

    @classmethod
    def tearDownClass(cls):
        cls.manager.__exit__(None, None, None)

    def show(self, *arguments):
        return json.loads(call("-c", self.config, "features", "show", "--json", *arguments).stdout)

    def test_list_names_all_features_with_the_hash_of_the_schema(self):
        listed = json.loads(call("features", "list", "--json").stdout)
        groups = [feature["group"] for feature in listed["features"]]
        for group, least in (("user", 30), ("item", 40), ("cross", 15), ("request", 6)):
            self.assertGreaterEqual(groups.count(group), least)
        self.assertEqual(self.show("--item", 17)["schema"], listed["schema"])
        self.assertIn("user_order_count", call("features", "list").stdout)

    def test_show_counts_what_the_lake_has_until_the_time(self):
        count = f"SELECT user_id, count(*) AS n FROM events WHERE kind = 'view' AND \"at\" <= TIMESTAMP '{AS_OF[:10]}' AND user_id IS NOT NULL GROUP BY 1"
        user = sql(self.config, f"{count} ORDER BY n DESC, user_id LIMIT 1")[0]
        shown = self.show("--user", user["user_id"], "--as-of", AS_OF)
        self.assertEqual(shown["as_of"], AS_OF)
        values = {feature["name"]: feature for feature in shown["features"]}
        self.assertEqual(values["user_view_count"]["value"], user["n"])
        self.assertEqual(values["user_view_count"]["origin"], "events: view")
        self.assertIn("pages of data sets viewed", values["user_view_count"]["description"])
        text = call("-c", self.config, "features", "show", "--user", user["user_id"]).stdout
        self.assertIn("user_top_tag_1", text)

    def test_what_is_unknown_is_said_in_a_sentence(self):
        for arguments, code, sentence in (
                (("--item", 999999), 1, "there is no item 999999 in the lake as of 2026-10-31T"),
                (("--user", 999999), 1, "there is no user 999999 in the lake as of 2026-10-31T"),
                (("--item", 1, "--as-of", "1990-01-01"), 1, "as of 1990-01-01T00:00:00Z"),
                (("--item", 1, "--as-of", "yesterday"), 2, "--as-of \"yesterday\" is no time"),
                (("--item", 1, "--user", 1), 2, "--item"),
                ((), 2, "--item")):
            self.assertIn(sentence, call("-c", self.config, "features", "show", *arguments, code=code).stderr)

    def test_build_writes_both_tables_for_analysts(self):
        written = json.loads(call("-c", self.config, "features", "build", "--json").stdout)
        self.assertEqual([table["rows"] for table in written], [200, 100])
        for table in written:
            name = Path(table["file"]).stem
            rows = sql(self.config, f"SELECT count(DISTINCT {name}_id) AS n, count(*) AS rows FROM read_parquet('{table['file']}')")
            self.assertEqual(rows, [{"n": table["rows"], "rows": table["rows"]}])

    def test_show_reads_the_store_by_key_and_says_so(self):
        call("-c", self.config, "features", "build")
        store = self.path / "site/lake/features/features.sqlite"
        for arguments in (("--item", 17), ("--user", 3)):
            stored = self.show(*arguments)
            self.assertEqual(stored["from"], {"kind": "store", "path": str(store)})
            counted = self.show(*arguments, "--as-of", stored["as_of"])
            self.assertEqual(counted["from"]["kind"], "lake")
            self.assertEqual(stored["features"], counted["features"])
        self.assertIn(f"from the store {store}", call("-c", self.config, "features", "show", "--item", 17).stdout)
        # Without the program, as docs/formats/feature_store.md says.
        with contextlib.closing(sqlite3.connect(f"file:{store}?immutable=1", uri=True)) as opened:
            names = [name for name, in opened.execute("SELECT name FROM feature WHERE owner = 'item' ORDER BY place")]
            vector, = opened.execute("SELECT vector FROM item WHERE item_id = 17").fetchone()
        values = dict(zip(names, struct.unpack(f"<{len(names)}f", vector)))
        shown = {feature["name"]: feature["value"] for feature in self.show("--item", 17)["features"]}
        self.assertAlmostEqual(values["item_views_all"], shown["item_views_all"])
        rows = sql(self.config, "SELECT item_views_all AS n FROM item_features WHERE item_id = 17")
        self.assertEqual(rows, [{"n": shown["item_views_all"]}])

    def test_a_damaged_store_is_refused_with_the_way_out(self):
        call("-c", self.config, "features", "build")
        store = self.path / "site/lake/features/features.sqlite"
        whole = store.read_bytes()
        store.write_bytes(b"x" * len(whole))
        self.assertIn("features.sqlite", call("-c", self.config, "features", "show", "--item", 17, code=1).stderr)
        store.unlink()
        self.assertEqual(self.show("--item", 17)["from"]["kind"], "lake")

    def test_repeated_and_later_rows_change_no_value(self):
        config = init(self.path / "again", f"files:{self.path / 'copy'}")
        shutil.copytree(self.source, self.path / "copy")
        call("-c", config, "pipeline", "run", "--to", "build")
        users = [row["user_id"] for row in sql(config, f"SELECT user_id FROM events WHERE kind = 'order' AND \"at\" <= TIMESTAMP '{AS_OF[:10]}' "
                                               "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2")]
        look = [("--user", user) for user in users] + [("--item", 17)]

        def values():
            return [json.loads(call("-c", config, "features", "show", "--json", *one, "--as-of", AS_OF).stdout) for one in look]

        before = values()
        header, *rows = (self.path / "copy/order_tab.csv").read_text().splitlines()
        columns = header.split(",")
        later = dict(zip(columns, rows[0].split(",")))
        later |= {"id": "900001", "create_user": str(users[0]), "dataset_id": "17", "pay_status": "1", "is_delete": "0", "price": "999"}
        later |= {name: "2026-10-30 12:00:00" for name in ("create_time", "update_time", "pay_time") if name in later}
        repeated = rows[:50] + rows[:50] + [",".join(later[name] for name in columns)]
        (self.path / "copy/order_tab_20261101_000000.csv").write_text("\n".join([header, *repeated]) + "\n")
        call("-c", config, "pipeline", "run", "--to", "build")
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM events WHERE event_id = 'order:900001'"), [{"n": 1}])
        self.assertEqual(values(), before)


if __name__ == "__main__":
    unittest.main()
