"""Keys, audit and guardrails from the outside: made, used, and revoked while the server runs; what changed is in the log; a bad variant is switched off."""
import json
import stat
import sys
import time
import unittest
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve  # noqa: E402
from servers import folder  # noqa: E402

EXPERIMENT = """
experiments:
  spread:
    status: active
    salt: autumn
    guardrails: {click_rate: {max_drop: 0.1}, alpha: 0.05, min_exposures: 20}
    variants:
      - {name: control, allocation: 0.5}
      - {name: worse, allocation: 0.5, parameters: {diversity: 1}}
"""


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        call("simulate", "--to", f"files:{cls.path}/source", "--items", 80, "--users", 100, "--events", 2000, "--seed", 3)

    @classmethod
    def tearDownClass(cls):
        cls.manager.__exit__(None, None, None)

    def site(self, name, *settings):
        config = init(self.path / name, f"files:{self.path}/source", *settings)
        call("-c", config, "pipeline", "run")
        return config

    def wait(self, what):
        for _ in range(500):
            if what():
                return
            time.sleep(0.02)
        self.fail("it did not come to that")

    def test_a_key_is_shown_once_and_opens_what_it_is_for_until_it_is_revoked(self):
        config = self.site("keys", "serving.cors_origins=https://shop.example")
        self.assertIn("nobody needs one", call("-c", config, "keys", "list").stdout)
        with serve(config) as site:
            self.assertEqual(site.get("/search").status, 200)
            made = call("-c", config, "keys", "new", "--name", "cheap", "--scope", "recommend,search", "--rate", 1000, "--filter", "price<=20")
            key = made.stdout.strip()
            self.assertRegex(key, "^lk_[0-9a-f]{64}$")
            self.assertIn("from now on nobody is answered without a key", made.stderr)
            self.wait(lambda: site.get("/search").status == 401)
            answer = site.get("/search?limit=50", {"X-API-Key": key})
            prices = [item["price"] for item in answer.json()["items"]]
            self.assertTrue(prices)
            self.assertLessEqual(max(prices), 20)
            self.assertEqual(site.post("/events", [], admin=False).status, 401)
            other = json.loads(call("-c", config, "keys", "new", "--name", "other", "--json").stdout)["key"]
            self.wait(lambda: site.get("/hot/trending", {"X-API-Key": other}).status == 200)
            listed = json.loads(call("-c", config, "keys", "list", "--json").stdout)
            self.assertEqual([(one["name"], one["state"], one["filter"]) for one in listed], [("cheap", "good", "price<=20"), ("other", "good", None)])
            call("-c", config, "keys", "revoke", "cheap")
            self.wait(lambda: site.get("/search", {"X-API-Key": key}).status == 401)
            call("-c", config, "keys", "revoke", "other")
            self.wait(lambda: site.get("/search", {"X-API-Key": other}).status == 401)
            self.assertEqual(site.get("/search").status, 401)  # the last one revoked opens no door
            self.assertIn("expired", call("-c", config, "keys", "list").stdout)
            self.assertEqual(site.get("/search", {"Origin": "https://shop.example"}).headers["Access-Control-Allow-Origin"], "https://shop.example")
        for file in config.parent.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                self.assertNotIn(key.encode(), content, file)
                self.assertNotIn(other.encode(), content, file)

    def test_wrong_words_are_refused(self):
        config = self.path / "words/lodestone.yaml"
        init(config.parent, f"files:{self.path}/source")
        for arguments, says in (
            (("keys", "new", "--name", "a b"), "a name has 1 to 64 letters"),
            (("keys", "new", "--name", "a", "--scope", "serch"), 'did you mean "search"?'),
            (("keys", "new", "--name", "a", "--filter", "prise<1"), "price"),
            (("keys", "new", "--name", "a", "--not-after", "soon"), "is no time"),
            (("keys", "new", "--name", "a", "--rate", "-1"), "is outside"),
            (("audit", "--since", "soon"), "is no time"),
        ):
            self.assertIn(says, call("-c", config, *arguments, code=2).stderr, arguments)
        self.assertFalse((config.parent / "keys.yaml").exists())
        call("-c", config, "keys", "new", "--name", "a")
        self.assertIn("already", call("-c", config, "keys", "new", "--name", "a", code=2).stderr)
        self.assertIn('has no key "b"', call("-c", config, "keys", "revoke", "b", code=1).stderr)

    def test_a_variant_that_nobody_clicks_is_switched_off_and_the_audit_log_tells(self):
        config = self.site("guardrails", "serving.events_per_second=0")
        (config.parent / "experiments.yaml").write_text(EXPERIMENT)
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        with serve(config) as site:
            seen, posted = {}, []
            for user in range(5000, 5200):
                answer = site.get(f"/recommend/user/{user}").json()
                seen[user] = answer["experiment_variant"]
                if seen[user] == "control":
                    posted.append({"event_id": f"c{user}", "kind": "click", "user_id": user, "dataset_id": answer["recommendations"][0]["dataset_id"],
                                   "request_id": answer["request_id"], "at": now})
            self.assertEqual(set(seen.values()), {"control", "worse"})
            self.assertEqual(site.post("/events", posted, admin=False).status, 202)
            worse = next(user for user, variant in seen.items() if variant == "worse")
            self.wait(lambda: site.get(f"/recommend/user/{worse}").json()["experiment_variant"] == "control")
            self.assertEqual(site.post("/models/rollback", {}).status, 404)
        log = config.parent / "audit.jsonl"
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o600)
        told = json.loads(call("-c", config, "audit", "--json").stdout)
        self.assertEqual([(one["action"], one["actor"], one["outcome"]) for one in told], [("guardrail", "server", "done"), ("rollback", "operator", "refused")])
        self.assertEqual(told[1]["peer"], "127.0.0.1")
        self.assertEqual(told[0]["arguments"], {"experiment": "spread", "variant": "worse", "guardrail": "click_rate"})
        self.assertIn("has no entry since then", call("-c", config, "audit", "--since", "2100-01-01").stdout)
        with serve(config) as site:
            self.assertEqual(site.get(f"/recommend/user/{worse}").json()["experiment_variant"], "control")


if __name__ == "__main__":
    unittest.main()
