"""An experiment from the outside: visitors are dealt as the file says, what they do is in the lake, and the report tells the effect that was put in."""
import hashlib
import json
import sys
import unittest
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve, sql  # noqa: E402
from servers import folder  # noqa: E402

USERS = 400
LISTS = 3
FILE = """
experiments:
  spread:
    status: active
    salt: autumn
    variants:
      - {name: control, allocation: 0.5}
      - {name: treatment, allocation: 0.5, parameters: {diversity: 0.5}}
"""


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def share(text):
    """The same number in [0, 1) for the same text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


class Experiments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        call("simulate", "--to", f"files:{cls.path}/source", "--items", 80, "--users", USERS, "--events", 5000, "--seed", 3)
        cls.config = init(cls.path / "site", f"files:{cls.path}/source")
        call("-c", cls.config, "pipeline", "run")
        (cls.path / "site/experiments.yaml").write_text(FILE)

    @classmethod
    def tearDownClass(cls):
        cls.manager.__exit__(None, None, None)

    def report(self, *more):
        return json.loads(call("-c", self.config, "report", "experiment", "spread", "--json", *more).stdout)

    def test_the_report_tells_the_effect_that_was_put_in(self):
        self.assertIn("no exposures yet", call("-c", self.config, "report", "experiment", "spread", code=1).stderr)
        lists = {"control": 0, "treatment": 0}
        clicks = {"control": 0, "treatment": 0}
        users = [row["user_id"] for row in sql(self.config, f"SELECT user_id FROM users ORDER BY 1 LIMIT {USERS}")]
        with serve(self.config) as site:
            for user in users:
                expected = "control" if share(f"autumn:{user}") < 0.5 else "treatment"
                posted = []
                for n in range(LISTS):
                    answer = site.get(f"/recommend/user/{user}?limit=5").json()
                    self.assertEqual(answer["experiment_variant"], expected)
                    lists[expected] += 1
                    if share(f"{user} {n}") < (0.6 if expected == "treatment" else 0.3):
                        clicks[expected] += 1
                        posted.append({"event_id": f"click:{user}:{n}", "kind": "click", "user_id": user, "request_id": answer["request_id"],
                                       "dataset_id": answer["recommendations"][0]["dataset_id"], "position": 1, "at": now()})
                if posted:
                    taken = site.post("/events", posted, admin=False)
                    self.assertEqual((taken.status, taken.json()["accepted"]), (202, len(posted)))
        call("-c", self.config, "pipeline", "run", "--to", "build")
        told = self.report()
        variants = {one["name"]: one for one in told["variants"]}
        self.assertEqual({name: one["lists"] for name, one in variants.items()}, lists)
        self.assertEqual(sum(one["units"] for one in variants.values()), len(users))
        self.assertEqual(told["mislabelled"], 0)
        self.assertGreater(told["split_p"], 0.001)
        effect = variants["treatment"]["clicks a list"]
        for name in lists:
            self.assertAlmostEqual(effect[name], clicks[name] / lists[name])
        self.assertLess(effect["low"], 0.3)
        self.assertGreater(effect["high"], 0.3)
        self.assertGreater(effect["low"], 0)
        self.assertRegex(effect["verdict"], r"^treatment is better: \+\d+\.\d % \(")
        self.assertIn("no difference can be told", variants["treatment"]["orders a list"]["verdict"])
        text = call("-c", self.config, "report", "experiment", "spread").stdout
        self.assertRegex(text, r"clicks a list: treatment is better")
        self.assertIn("split as planned: p = ", text)
        # Another salt deals the visitors anew: the log of before does not agree with it, and the report says so.
        (self.path / "site/experiments.yaml").write_text(FILE.replace("autumn", "winter"))
        self.assertGreater(self.report()["mislabelled"], len(users) / 4)
        (self.path / "site/experiments.yaml").write_text(FILE)
        wrong = call("-c", self.config, "report", "experiment", "spred", code=1).stderr
        self.assertIn("has no experiment \"spred\"; did you mean \"spread\"?", wrong)


if __name__ == "__main__":
    unittest.main()
