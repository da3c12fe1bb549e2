"""The closed loop from the outside: what a server shows is in its log, the log is in the lake, and a click on it is a label; and why a list is what it is."""
import csv
import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import ROOT, call, init, serve, sql  # noqa: E402
from servers import folder  # noqa: E402

END = "2026-11-01T00:00:00Z"


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows


def append(path, row):
    """One more row, like the last but for what `row` says."""
    rows = rows_of(path)
    rows.append({**rows[-1], **row})
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0])
        writer.writeheader()
        writer.writerows(rows)


def ranking_labels():
    """The query of the ranker's labels, of all times."""
    text = (ROOT / "sql/labels/ranking.sql").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for name, value in (("label_from", "TIMESTAMP '1970-01-01'"), ("label_to", "TIMESTAMP '9999-01-01'"), ("until", "TIMESTAMP '9999-01-01'"),
                        ("slices", "1"), ("slice", "0")):
        text = text.replace("{{" + name + "}}", value)
    return text


class Exposures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        cls.source = cls.path / "source"
        call("simulate", "--to", f"files:{cls.source}", "--items", 120, "--users", 200, "--events", 6000, "--seed", 3, "--end", END)
        cls.config = init(cls.path / "site", f"files:{cls.source}")
        call("-c", cls.config, "pipeline", "run")

    @classmethod
    def tearDownClass(cls):
        cls.manager.__exit__(None, None, None)

    def explain(self, *arguments):
        return json.loads(call("-c", self.config, "explain", "--json", *arguments).stdout)

    def test_a_list_that_was_shown_and_clicked_is_a_label(self):
        item = sql(self.config, "SELECT item_id FROM items WHERE is_available ORDER BY 1 LIMIT 1")[0]["item_id"]
        visitor = "00112233445566aa"
        with serve(self.config) as site:
            answer = site.get(f"/recommend/detail/{item}?visitor_id={visitor}&source=detail").json()
            page = site.post("/recommend/page", {"slots": [{"name": "a", "kind": "similar", "dataset_id": item, "limit": 3},
                                                           {"name": "b", "kind": "trending", "limit": 4}]}, admin=False).json()
            hot = site.get("/hot/trending?timeframe=7d&limit=5").json()
        shown = [one["dataset_id"] for one in answer["recommendations"]]
        slots = [one["dataset_id"] for name in "ab" for one in page["slots"][name]]
        self.assertEqual(len(set(slots)), 7)
        done = call("-c", self.config, "extract")
        self.assertIn(f"exposures: {len(shown) + 12} rows in", done.stdout)
        self.assertNotIn("exposures:", call("-c", self.config, "extract").stdout, "nothing is read twice")
        status = json.loads(call("-c", self.config, "lake", "status", "--json").stdout)
        tables = status if isinstance(status, list) else status["tables"]
        self.assertEqual([table["rows"] for table in tables if table["source"] == "exposures"], [len(shown) + 12])
        # The visitor clicks the second item.
        actions = self.source / "matomo_log_action.csv"
        ids = {}
        for kind, name in ((10, "Recommendation"), (11, "Click"), (12, f"dataset_{shown[1]}")):
            known = [row["idaction"] for row in rows_of(actions) if row["name"] == name and int(row["type"]) == kind]
            ids[kind] = known[0] if known else str(max(int(row["idaction"]) for row in rows_of(actions)) + 1)
            if not known:
                append(actions, {"idaction": ids[kind], "name": name, "type": kind})
        visits, links = self.source / "matomo_log_visit.csv", self.source / "matomo_log_link_visit_action.csv"
        visit = max(int(row["idvisit"]) for row in rows_of(visits)) + 1
        append(visits, {"idvisit": visit, "idvisitor": visitor, "user_id": ""})
        append(links, {"idlink_va": max(int(row["idlink_va"]) for row in rows_of(links)) + 1, "idvisit": visit, "idvisitor": visitor,
                       "idaction_name": ids[12], "idaction_event_category": ids[10], "idaction_event_action": ids[11],
                       "idaction_product_sku": "", "custom_dimension_1": answer["request_id"], "custom_float": 2})
        call("-c", self.config, "pipeline", "run", "--to", "build")
        events = sql(self.config, "SELECT kind, item_id, position, visitor_id, source FROM events "
                                  f"WHERE request_id = '{answer['request_id']}' ORDER BY kind DESC, position")
        self.assertEqual([(e["item_id"], e["position"]) for e in events if e["kind"] == "exposure"],
                         [(one, place + 1) for place, one in enumerate(shown)])
        self.assertEqual({(e["visitor_id"], e["source"]) for e in events if e["kind"] == "exposure"}, {(visitor, "exposures")})
        credited = sql(self.config, f"SELECT kind, item_id, position FROM attributions WHERE request_id = '{answer['request_id']}'")
        self.assertEqual(credited, [{"kind": "click", "item_id": shown[1], "position": 2}])
        labels = {row["item_id"]: row["clicked"] for row in sql(self.config, ranking_labels()) if row["request_id"] == answer["request_id"]}
        self.assertEqual(labels, {one: one == shown[1] for one in shown})
        # Three weeks after the last visit: what was shown is no event by which time goes on.
        call("-c", self.config, "pipeline", "run", "--from", "build")
        with serve(self.config) as site:
            now = site.get("/hot/trending?timeframe=7d&limit=5").json()["items"]
        self.assertFalse([one for one in now if "reason" in one], "a fallback: nothing trends any more")
        context = sql(self.config, "SELECT DISTINCT endpoint, slot, source FROM raw_exposures.exposures ORDER BY ALL")
        self.assertEqual([(c["endpoint"], c["slot"], c["source"]) for c in context],
                         [("hot_trending", None, None), ("recommend_detail", None, "detail"), ("recommend_page", "a", None), ("recommend_page", "b", None)])

        report = {(row["section"], row["name"]): row for row in
                  json.loads(call("-c", self.config, "report", "recommendations", "--json").stdout)}
        self.assertEqual(report[("all", "lists")]["n"], 4)
        self.assertEqual(report[("all", "items")]["n"], len(shown) + 12)
        self.assertEqual(report[("all", "people")]["n"], 1)
        self.assertEqual(report[("catalogue", "data_sets_shown")]["n"], len({*shown, *slots, *(one["dataset_id"] for one in hot["items"])}))
        self.assertEqual(report[("endpoint", "recommend_page")], {"section": "endpoint", "name": "recommend_page", "n": 2, "share": 0.5})
        self.assertEqual(report[("variant", "primary/control")]["share"], 1)
        text = call("-c", self.config, "report", "recommendations", "--since", "2100-01-01").stdout
        self.assertRegex(text, r"all +lists +0")
        self.assertIn("--since \"x\" is no time", call("-c", self.config, "report", "recommendations", "--since", "x", code=2).stderr)

    def test_explain_tells_why_and_why_not(self):
        item = sql(self.config, "SELECT item_id FROM items WHERE is_available ORDER BY 1 LIMIT 1")[0]["item_id"]
        user = sql(self.config, "SELECT user_id, item_id FROM events WHERE kind = 'order' AND user_id IS NOT NULL ORDER BY 1, 2 LIMIT 1")[0]
        told = self.explain("--user", user["user_id"], "--item", item, "--target", item)
        self.assertEqual(told["kind"], "detail")
        self.assertEqual(len(told["list"]), 10)
        for one in told["list"]:
            self.assertTrue(one["channels"])
            self.assertIsInstance(one["features"], dict)
        self.assertEqual((told["target"]["found"], told["target"]["dropped_by"]), (False, "page_item"))
        shown = self.explain("--item", item, "--target", self.explain("--item", item)["list"][2]["dataset_id"])["target"]
        self.assertEqual((shown["found"], shown["dropped_by"]), (True, None))
        self.assertIn("place 3 of 10", shown["detail"])
        self.assertEqual(self.explain("--item", item, "--target", 999999)["target"]["dropped_by"], "unknown")
        self.assertIn(self.explain("--user", user["user_id"], "--target", user["item_id"])["target"]["dropped_by"], ("owned", "not_available"))
        text = call("-c", self.config, "explain", "--item", item, "--target", 999999).stdout
        self.assertIn("data set 999999: not shown, unknown: bundle b-", text)
        with serve(self.config) as site:
            answer = site.get(f"/explain?user_id={user['user_id']}&dataset_id={item}&target={item}", admin=True)
            self.assertEqual(answer.status, 200)
            self.assertEqual([one["dataset_id"] for one in answer.json()["list"]], [one["dataset_id"] for one in told["list"]])

    def test_bad_questions_are_told_in_a_sentence(self):
        self.assertIn("neither a user nor a data set", call("-c", self.config, "explain", code=2).stderr)
        self.assertIn("data set 999999 is not in bundle", call("-c", self.config, "explain", "--item", 999999, code=1).stderr)


if __name__ == "__main__":
    unittest.main()
