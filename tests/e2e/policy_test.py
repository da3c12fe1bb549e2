"""Off-policy estimates from the outside: a site explores, visitors click by a known rule, and the estimate for the bundle without exploration is what its lists earn."""
import hashlib
import json
import sys
import unittest
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve, sql  # noqa: E402
from servers import folder  # noqa: E402

PLACES = 4
ROUNDS = 6
FILE = """
experiments:
  other:
    status: paused
    variants:
      - {name: control, allocation: 0.5}
      - {name: treatment, allocation: 0.5, parameters: {ranker: false, behavior_weight: 0, popular_weight: 100}}
"""


def chance_of(item):
    return 0.6 if item % 3 == 0 else 0.15


def happens(text, chance):
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32 < chance


class Policy(unittest.TestCase):
    def test_the_estimate_is_what_the_lists_earn(self):
        with folder() as path:
            call("simulate", "--to", f"files:{path}/source", "--items", 40, "--users", 300, "--events", 6000, "--seed", 3)
            config = init(path / "site", f"files:{path}/source", "engine.exploration=1", "serving.events_per_second=0")
            call("-c", config, "pipeline", "run")
            (config.parent / "experiments.yaml").write_text(FILE)
            users = [row["user_id"] for row in sql(config, "SELECT user_id FROM users ORDER BY 1 LIMIT 250")]
            at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            posted = []
            with serve(config) as site:
                for n in range(ROUNDS):
                    for user in users:
                        answer = site.get(f"/recommend/user/{user}?limit={PLACES}").json()
                        # One click of a person and request is credited, so a list has one item that may be clicked.
                        place = int(hashlib.sha256(f"place {user} {n}".encode()).hexdigest()[:8], 16) % PLACES
                        item = answer["recommendations"][place]["dataset_id"]
                        if happens(f"{user} {n} {item}", chance_of(item)):
                            posted.append({"event_id": f"c{user}:{n}", "kind": "click", "user_id": user, "dataset_id": item, "position": place + 1,
                                           "request_id": answer["request_id"], "at": at})
                for begin in range(0, len(posted), 1000):
                    self.assertEqual(site.post("/events", posted[begin:begin + 1000], admin=False).status, 202)
            call("-c", config, "pipeline", "run", "--to", "build")
            for arguments in ((), ("--variant", "other:treatment")):
                told = json.loads(call("-c", config, "report", "policy", "--json", *arguments).stdout)
                self.assertEqual((told["lists"], told["places"]), (ROUNDS * len(users), ROUNDS * len(users) * PLACES))
                self.assertEqual((told["visitors"], told["older"]), (len(users), 0))
                text = call("-c", config, "report", "policy", *arguments).stdout
                self.assertIn("doubly robust", text)
                if arguments:
                    continue
                truth = self.truth(config, users)
                for estimate in ("ips", "snips", "doubly_robust"):
                    self.assertLess(abs(told[estimate]["value"] - truth), 4 * told[estimate]["error"], (estimate, told, truth))
                self.assertGreater(told["support"], 0.9)
                self.assertGreater(told["effective_size"], 1000)
                self.assertIsNone(told["warning"])
            self.assertIn("did you mean", call("-c", config, "report", "policy", "--variant", "other:treatmen", code=1).stderr)
            few = call("-c", config, "report", "policy", "--since", "2100-01-01", code=1).stderr
            self.assertIn("there is nothing to estimate from", few)
            self.lists_that_it_learnt_from_do_not_count(config, ROUNDS * len(users))

    def lists_that_it_learnt_from_do_not_count(self, config, n_lists):
        call("-c", config, "train")
        newer = (config.parent / "bundles/CANDIDATE").read_text().strip()
        none = call("-c", config, "report", "policy", "--bundle", newer, code=1).stderr
        self.assertIn(f"{n_lists} lists of that time are older than bundle {newer}", none)
        told = json.loads(call("-c", config, "report", "policy", "--bundle", newer, "--since", "2020-01-01", "--json").stdout)
        self.assertEqual((told["lists"], told["older"]), (n_lists, n_lists))
        self.assertIn("has learnt from what was clicked in them", told["warning"])

    def truth(self, config, users):
        """Clicks a place of the lists that the bundle makes without exploration, by the rule."""
        total = 0
        for user in users[:60]:
            told = json.loads(call("-c", config, "explain", "--user", user, "--limit", PLACES, "--json").stdout)
            total += sum(chance_of(item["dataset_id"]) for item in told["list"])
        return total / (60 * PLACES) / PLACES


if __name__ == "__main__":
    unittest.main()
