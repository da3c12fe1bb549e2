"""The rankers of a release from the outside: what list prints and export writes, that ONNX Runtime scores 10,000 rows as the ranker does, and that
an imported one is served."""
import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve, sql  # noqa: E402
from servers import folder  # noqa: E402

try:
    import numpy
    import onnxruntime
except ImportError as absent:
    onnxruntime = None
    WHY_NOT = f"{absent}; ./run setup --test brings it into build/venv"




def fields(message):
    """Number and bytes, number included, of each field of a protocol buffer that holds varints and bytes alone."""
    at = 0

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(message):
        begin = at
        key = varint()
        size = varint()
        at += size if key & 7 == 2 else 0
        yield key >> 3, message[begin:at]


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        source = cls.path / "source"
        call("simulate", "--to", f"files:{source}", "--items", 200, "--users", 400, "--events", 30000, "--days", 60, "--seed", 3, "--end",
             "2026-11-01T00:00:00Z")
        cls.config = init(cls.path / "site", f"files:{source}")
        cls.empty = init(cls.path / "empty", f"files:{source}", "training.ranker=false")
        for config in (cls.config, cls.empty):
            call("-c", config, "pipeline", "run")
        listed = json.loads(call("-c", cls.config, "model", "list", "--json").stdout)
        cls.trained, cls.ranker = listed["bundle"], listed["rankers"][0]

    @classmethod
    def tearDownClass(cls):
        cls.manager.__exit__(None, None, None)

    def model(self, *arguments, config=None, code=0):
        return call("-c", config or self.config, "model", *arguments, code=code)

    def export_foreign(self):
        """The preferred ranker's ONNX model, as one from elsewhere."""
        target = self.path / "foreign.onnx"
        self.model("export", "--onnx", target, "--bundle", self.trained, "--ranker", self.ranker["name"])
        return target

    def columns(self):
        text = self.model("export", "--bundle", self.trained, "--ranker", self.ranker["name"]).stdout
        return next(line for line in text.splitlines() if line.startswith("feature_names=")).split("=")[1].replace(" ", ",")

    def explained(self, server, user):
        page = server.get(f"/recommend/user/{user}?limit=50&explain=true").json()["recommendations"]
        return [{name: entry[name] for name in ("score", "ranker", "features", "expected") if name in entry} | {"item": entry["dataset_id"]} for entry in page]

    def listed(self, config=None):
        return json.loads(self.model("list", "--json", config=config).stdout)

    def test_list_names_the_rankers_the_preferred_first(self):
        listed = self.listed()
        self.assertEqual(listed["bundle"], json.loads(call("-c", self.config, "bundle", "list", "--json").stdout)[0]["id"])
        first, *others = listed["rankers"]
        self.assertEqual([first["preferred"]] + [ranker["preferred"] for ranker in others], [True] + [False] * len(others))
        self.assertGreater(min(first["trees"], first["features"]), 0)
        text = (self.config.parent / "bundles" / listed["bundle"] / f"ranker-{first['name']}.txt").read_text()
        self.assertEqual(first["bytes"], len(text))
        self.assertEqual(self.model("export").stdout, text)
        self.assertRegex(self.model("list").stdout, rf"{first['name']} +preferred +lightgbm +{first['trees']} ")

    def test_a_release_without_rankers_says_so(self):
        self.assertEqual(self.listed(self.empty)["rankers"], [])
        self.assertIn("has no ranker", self.model("list", config=self.empty).stdout)
        self.assertIn("has no ranker; lodestone train fits some", self.model("export", config=self.empty, code=1).stderr)

    def test_faults_are_told_in_a_sentence(self):
        target = self.path / "never.onnx"
        self.assertIn('no ranker "bogus"; it is one of', self.model("export", "--onnx", target, "--ranker", "bogus", code=1).stderr)
        self.assertIn('"b-1" is no bundle id', self.model("export", "--onnx", target, "--bundle", "b-1", code=2).stderr)
        self.assertIn("bundle list shows what is", self.model("list", "--bundle", "b-20200101T000000Z-00000000", code=1).stderr)
        self.assertIn("--onnx", self.model("export", "--json", code=2).stderr)
        self.assertIn(str(self.path), self.model("export", "--onnx", self.path, code=1).stderr)
        self.assertFalse(target.exists())

    def test_a_damaged_ranker_is_not_exported(self):
        listed = self.listed()
        file = self.config.parent / "bundles" / listed["bundle"] / f"ranker-{listed['rankers'][0]['name']}.txt"
        whole = file.read_bytes()
        try:
            file.write_bytes(whole.replace(b"leaf_value=", b"leaf_value=9", 1))
            self.assertIn("bytes, the manifest says", self.model("export", code=1).stderr)
        finally:
            file.write_bytes(whole)

    def features(self, *arguments, config=None, code=0):
        return call("-c", config or self.config, "features", "show", *arguments, code=code)

    def test_features_show_prints_the_row_that_serving_sees(self):
        listed = json.loads(call("features", "list", "--json").stdout)
        for option, id_ in (("--item", 17), ("--user", sql(self.config, "SELECT user_id FROM users ORDER BY 1 LIMIT 1")[0]["user_id"])):
            shown = json.loads(self.features(option, id_, "--bundle", self.trained, "--json").stdout)
            self.assertEqual(shown["from"], {"kind": "bundle", "bundle": self.trained})
            self.assertEqual(shown["schema"], listed["schema"])
            self.assertEqual(json.loads(self.features(option, id_, "--bundle", "--json").stdout)["from"]["kind"], "bundle")
            # The same numbers as the lake has them at that time, but for what is missing, which serving fills.
            lake = {feature["name"]: feature for feature in json.loads(self.features(option, id_, "--as-of", shown["as_of"], "--json").stdout)["features"]}
            self.assertGreater(len(shown["features"]), 0)
            for feature in shown["features"]:
                if lake[feature["name"]]["origin"] != "default":
                    self.assertEqual(feature["value"], lake[feature["name"]]["value"], feature["name"])
                    self.assertEqual(feature["origin"], lake[feature["name"]]["origin"])
        self.assertIn(f"item 17 as of {shown['as_of']}, from the bundle {self.trained}\n", self.features("--item", 17, "--bundle", self.trained).stdout)

    def test_features_show_of_a_release_says_what_it_has_not(self):
        self.assertIn(f"there is no item 999999 in {self.trained}", self.features("--item", 999999, "--bundle", self.trained, code=1).stderr)
        self.assertIn("stores no features, as no ranker orders its lists", self.features("--item", 17, "--bundle", config=self.empty, code=1).stderr)
        self.assertIn('"b-1" is no bundle id', self.features("--item", 17, "--bundle", "b-1", code=2).stderr)

    def test_a_dry_run_writes_nothing(self):
        target = self.path / "dry.onnx"
        self.assertIn(f"would write {target}", self.model("export", "--onnx", target, "--dry-run").stdout)
        self.assertFalse(target.exists())

    @unittest.skipIf(onnxruntime is None, "ONNX Runtime is not here: " + (WHY_NOT if onnxruntime is None else ""))
    def test_onnx_runtime_scores_as_the_ranker_does(self):
        for ranker in self.listed()["rankers"]:
            target = self.path / f"{ranker['name']}.onnx"
            written = json.loads(self.model("export", "--onnx", target, "--ranker", ranker["name"], "--json").stdout)
            self.assertEqual((written["ranker"], written["trees"], written["bytes"]), (ranker["name"], ranker["trees"], target.stat().st_size))
            text = self.path / f"{ranker['name']}.txt"
            text.write_text(self.model("export", "--ranker", ranker["name"]).stdout)
            made = json.loads(subprocess.run([os.environ["WRITE_ONNX_MODELS"], self.path / ranker["name"], text], check=True, capture_output=True,
                                             text=True).stdout)[0]
            rows = numpy.fromfile(self.path / ranker["name"] / "given/rows", numpy.float32).reshape(-1, ranker["features"])
            scores = numpy.fromfile(self.path / ranker["name"] / "given/scores")
            session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
            self.assertEqual(session.get_modelmeta().custom_metadata_map["feature_names"].count(",") + 1, ranker["features"])
            found = session.run(None, {"rows": rows})[0].ravel()
            self.assertEqual(len(found), 10_000)
            self.assertLessEqual(float(numpy.abs(found - scores).max()), (ranker["trees"] + 1) * 2.0**-23 * made["largest"])

    # --- import ---

    def test_what_cannot_be_imported_is_told_in_a_sentence(self):
        model = self.export_foreign()
        text = self.path / "model.txt"
        text.write_text("tree\nversion=v4\n")

        def refused(*arguments, config=None, code=2):
            return self.model("import", *arguments, config=config, code=code).stderr
        self.assertIn("engine.onnx_library", refused(model, "--name", "foreign"))
        self.assertIn("no whole ONNX model", refused(text, "--name", "foreign", code=1))
        self.assertIn("missing.onnx", refused(self.path / "missing.onnx", "--name", "foreign", code=1))
        self.assertIn("--name", refused(model))
        self.assertIn("is no name of a ranker", refused(model, "--name", "../x"))
        self.assertIn("choose another name", refused(model, "--name", self.ranker["name"]))
        self.assertIn("leave --features out", refused(model, "--name", "foreign", "--features", "item_price"))
        self.assertIn("stores no features", refused(model, "--name", "foreign", config=self.empty))
        self.assertEqual([entry["id"] for entry in json.loads(call("-c", self.config, "bundle", "list", "--json").stdout)], [self.trained])

    @unittest.skipIf(onnxruntime is None, "ONNX Runtime is not here: " + (WHY_NOT if onnxruntime is None else ""))
    def test_an_imported_ranker_is_served_in_front_of_the_others(self):
        library = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so*"))
        site = self.path / "served"
        shutil.copytree(self.config.parent, site)
        config = site / self.config.name
        nameless = self.path / "nameless.onnx"
        nameless.write_bytes(b"".join(field for number, field in fields(self.export_foreign().read_bytes()) if number != 14))
        columns = self.columns()
        users = [row["user_id"] for row in sql(config, "SELECT user_id FROM events WHERE user_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 5")]
        with serve(config) as server:
            before = [self.explained(server, user) for user in users]
        self.assertIn("--features", self.model("import", nameless, "--name", "foreign", config=config, code=2).stderr)
        with mock.patch.dict(os.environ, {"LODESTONE_ENGINE_ONNX_LIBRARY": str(library)}):
            order = ("import", nameless, "--name", "foreign", "--features", columns)
            self.assertIn("is no feature", self.model("import", nameless, "--name", "foreign", "--features", columns.replace("item_", "itm_"),
                                                      config=config, code=2).stderr)
            self.assertIn("would pack a new bundle", self.model(*order, "--dry-run", config=config).stdout)
            made = json.loads(self.model(*order, "--json", config=config).stdout)
            self.assertEqual(made["made_from"], self.trained)
            self.assertEqual(self.listed(config)["bundle"], self.trained)
            call("-c", config, "bundle", "verify", made["bundle"])
            call("-c", config, "bundle", "rollback", made["bundle"])
            listed = self.listed(config)["rankers"]
            self.assertEqual([(ranker["name"], ranker["format"]) for ranker in listed[:2]], [("foreign", "onnx"), (self.ranker["name"], "lightgbm")])
            self.assertIn("has no text", self.model("export", config=config, code=2).stderr)
            again = self.path / "again.onnx"
            self.model("export", "--onnx", again, config=config)
            self.assertTrue(again.read_bytes().startswith(nameless.read_bytes()))
            with serve(config) as server:
                after = [self.explained(server, user) for user in users]
            # A training goes on from the rankers that it fitted itself.
            call("-c", config, "train")
        self.assertEqual({entry["ranker"] for page in after for entry in page if "ranker" in entry}, {"foreign"})
        self.assertFalse(any("features" in entry or "expected" in entry for page in after for entry in page))
        for old, new in zip(before, after):
            numpy.testing.assert_allclose([entry["score"] for entry in new], [entry["score"] for entry in old], rtol=1e-4, atol=1e-5)
        self.assertGreater(sum(old[0]["item"] == new[0]["item"] for old, new in zip(before, after)), 3)
        # Without the library the release is refused, and the sentence names the key.
        self.assertIn("engine.onnx_library", call("-c", config, "bundle", "verify", made["bundle"], code=1).stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
