"""The command line from the outside: what works on files, and every sentence for bad input with its exit code."""
import csv
import hashlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve, sql  # noqa: E402
from servers import folder  # noqa: E402

END = "2026-11-01T00:00:00Z"


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        call("simulate", "--to", f"files:{cls.path}/data", "--items", 200, "--users", 150, "--events", 8000, "--days", 60, "--seed", 3, "--end", END)
        cls.config = init(cls.path / "site", f"files:{cls.path}/data")
        call("-c", cls.config, "pipeline", "run")

    @classmethod
    def tearDownClass(cls):
        cls.manager.__exit__(None, None, None)

    def refused(self, *arguments, code, says):
        done = call(*arguments, code=code)
        for text in says:
            self.assertIn(text, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def data_copy(self, name):
        target = self.path / name
        shutil.copytree(self.path / "data", target)
        return target

    # --- what works ---

    def test_simulation_is_a_function_of_its_seed(self):
        for name in ("a", "b"):
            call("simulate", "--to", f"files:{self.path}/{name}", "--items", 50, "--users", 40, "--events", 1000, "--seed", 9, "--end", END)
        for file in sorted((self.path / "a").iterdir()):
            self.assertEqual(file.read_bytes(), (self.path / "b" / file.name).read_bytes(), file.name)

    def test_bundle_verbs(self):
        entries = json.loads(call("-c", self.config, "bundle", "list", "--json").stdout)
        self.assertTrue(entries[0]["current"])
        bundle = entries[0]["id"]
        self.assertIn("is whole", call("-c", self.config, "bundle", "verify", bundle).stdout)
        self.assertEqual(json.loads(call("-c", self.config, "bundle", "show", bundle).stdout)["id"], bundle)
        diff = json.loads(call("-c", self.config, "bundle", "diff", bundle, bundle, "--json").stdout)
        self.assertEqual((diff["items_added"], diff["items_removed"], diff["behavior_top10_kept"]), (0, 0, 1.0))

    def test_check_says_what_it_saw(self):
        text = call("-c", self.config, "check").stdout
        for word in ("config", "contracts", "disk", "source", "bundle"):
            self.assertIn(word, text)

    def checked_with(self, code, *settings):
        environment = {"LODESTONE_" + key.upper().replace(".", "_"): value for key, value in (one.split("=", 1) for one in settings)}
        return call("-c", self.config, "check", code=code, environment=environment)

    def test_check_looks_at_the_certificate(self):
        request, key, good, over = (self.path / name for name in ("r.csr", "k.pem", "good.pem", "over.pem"))
        openssl = lambda *arguments: subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-signkey", key, "-days", 2, "-out", good)
        openssl("x509", "-req", "-in", request, "-signkey", key, "-days", -1, "-out", over)
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path / "other.pem")
        with_files = lambda code, certificate, key_: self.checked_with(code, f"serving.tls_certificate={certificate}", f"serving.tls_key={key_}")
        self.assertRegex(with_files(0, good, key).stdout, rf"ok    tls        {good}: good until 20")
        for certificate, key_, says in ((over, key, f"{over}: has expired at 20"), (self.path / "none.pem", key, "none.pem: no certificate in PEM form"),
                                        (good, self.path / "other.pem", "that belongs to the certificate")):
            done = with_files(1, certificate, key_)
            self.assertRegex(done.stdout, "FAIL  tls        .*" + re.escape(says))
            self.assertIn("check: 1 of tls problems found", done.stderr)
        self.assertIn("go together", self.checked_with(1, f"serving.tls_certificate={good}").stdout)
        self.assertNotIn("tls", self.checked_with(0).stdout)

    def test_check_looks_at_who_vouches_for_redis(self):
        key, good, none = (self.path / name for name in ("ca.key", "ca.pem", "none.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ca", "-keyout", key,
                        "-out", good], check=True, capture_output=True)
        self.assertIn(f"ok    redis      serving.redis_ca_file {good}: certificates", self.checked_with(0, f"serving.redis_ca_file={good}").stdout)
        for file in (key, none):
            done = self.checked_with(1, f"serving.redis_ca_file={file}")
            self.assertRegex(done.stdout, f"FAIL  redis      serving.redis_ca_file: .*{file}")
            self.assertIn("check: 1 of redis problems found", done.stderr)
        self.assertNotIn("redis", self.checked_with(0).stdout)

    def test_check_reads_the_file_of_channels(self):
        file = self.path / "channels.yaml"
        file.write_text('channels: {near: {url: "http://127.0.0.1:9/?id={dataset_id}"}}\n')
        self.assertIn(f"ok    channels   {file}: 1 channels", self.checked_with(0, f"serving.channels_file={file}").stdout)
        file.write_text('channels: {near: {url: "http://127.0.0.1:9/?id={dataset_id}", deadlin: 3}}\n')
        self.assertRegex(self.checked_with(1, f"serving.channels_file={file}").stdout, f"FAIL  channels   {file}.*deadlin")

    def test_config_tells_where_a_value_came_from(self):
        rows = json.loads(call("-c", self.config, "config", "--json", environment={"LODESTONE_SERVING_THREADS": "3"}).stdout)
        origin = {row["key"]: row["origin"] for row in rows}
        self.assertEqual(origin["serving.threads"], "environment LODESTONE_SERVING_THREADS")
        self.assertTrue(origin["source.business"].startswith("lodestone.yaml:"))

    def test_stages_run_alone_and_repeat(self):
        for verb in ("extract", "train", "publish"):
            call("-c", self.config, verb)
        before = sql(self.config, "SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY kind")
        call("-c", self.config, "pipeline", "run")
        self.assertEqual(sql(self.config, "SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY kind"), before)

    def test_an_empty_table_is_no_failure(self):
        data = self.data_copy("empty")
        table = data / "api_order.csv"
        table.write_text(table.read_text().splitlines()[0] + "\n")
        config = init(self.path / "empty-site", f"files:{data}")
        call("-c", config, "pipeline", "run")
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM events WHERE kind = 'api_order'")[0]["n"], 0)

    def test_bad_rows_go_to_quarantine_with_their_reason(self):
        data = self.data_copy("bad")
        with (data / "dataset.csv").open(newline="") as file:
            header, *rows = csv.reader(file)
        with (data / "dataset.csv").open("a", newline="") as file:
            csv.writer(file).writerows([["not-a-number", *rows[0][1:]], rows[1]])  # a wrong type and a second row with the same key
        config = init(self.path / "bad-site", f"files:{data}")
        call("-c", config, "pipeline", "run", "--to", "build")
        bad = json.loads(call("-c", config, "quarantine", "list", "--json").stdout)
        self.assertEqual(sum(row["rows"] for row in bad if row["table"] == "business.dataset"), 2, bad)
        self.assertIn("id", call("-c", config, "quarantine", "show", "business.dataset").stdout)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM items")[0]["n"], len(rows))

    def test_parquet_files_hold_what_csv_files_do(self):
        data = self.path / "parquet"
        call("simulate", "--to", f"files:{data}", "--format", "parquet", "--items", 200, "--users", 150, "--events", 8000, "--days", 60, "--seed", 3,
             "--end", END)
        self.assertEqual({file.name for file in data.iterdir()}, {file.stem + ".parquet" for file in (self.path / "data").iterdir()})
        config = init(self.path / "parquet-site", f"files:{data}")
        call("-c", config, "pipeline", "run", "--to", "build")
        tables = [f"raw_business.{name}" for name in ("user", "dataset", "order_tab", "api_order", "dataset_image", "company", "dict")]
        tables += [f"raw_matomo.{name}" for name in ("log_visit", "log_link_visit_action", "log_action", "log_conversion")]
        for table in [*tables, "items", "users", "events"]:
            query = f"SELECT count(*) AS n, md5(string_agg(CAST(t AS VARCHAR), '|' ORDER BY CAST(t AS VARCHAR))) AS rows FROM {table} t"
            rows = sql(config, query)
            self.assertEqual(rows, sql(self.config, query), table)
            self.assertGreater(rows[0]["n"], 0, table)

    # --- what would be done ---

    def says_and_changes_nothing(self, *arguments, says, under=None):
        """A verb with --dry-run: says each text on stdout, and no file below the folder is made, changed or touched."""
        place = under or self.path

        def state():
            return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in place.rglob("*")}

        before = state()
        done = call(*arguments, "--dry-run")
        self.assertEqual(state(), before)
        for text in says:
            self.assertIn(text, done.stdout)
        return done.stdout

    def test_dry_init(self):
        target = self.path / "dry"
        self.says_and_changes_nothing("init", target, "--source", f"files:{self.path}/data",
                                      says=[f"would write {target}/lodestone.yaml", f"would make folder {target}/lake", "would make an admin token in"])
        self.assertFalse(target.exists())
        self.says_and_changes_nothing("init", self.config.parent, "--overwrite", says=["would keep the admin token"])
        self.refused("init", self.config.parent, "--dry-run", code=2, says=["is there already"])

    def test_dry_simulate(self):
        target = self.path / "dry-data"
        self.says_and_changes_nothing("simulate", "--to", f"files:{target}", "--format", "json", "--truth", self.path / "truth.json",
                                      says=[f"would write {target}/order_tab.json", f"would write the ground truth to {self.path}/truth.json"])
        self.assertFalse(target.exists())
        self.says_and_changes_nothing("simulate", "--to", "mysql://u@127.0.0.1:1/db", says=["table user of mysql://u@127.0.0.1:1/db"])
        self.refused("simulate", "--to", "nowhere", "--dry-run", code=2, says=["nowhere"])

    def test_dry_pipeline(self):
        text = self.says_and_changes_nothing("-c", self.config, "pipeline", "run", says=[
            f"extract: would read order_tab of files {self.path}/data into {self.path}/site/lake/raw/business/order_tab",
            f"into {self.path}/site/lake/canonical/events", "train: would pack a bundle into", "evaluate: would compare the bundle that train packs",
            "publish: would make the bundle that train packs current"])
        self.assertEqual([line.split(":")[0] for line in text.splitlines() if line.startswith("train")], ["train"] * 3)
        self.says_and_changes_nothing("-c", self.config, "extract", says=["build: would run"])
        self.says_and_changes_nothing("-c", self.config, "train", says=["labels/interactions"])
        current = json.loads(call("-c", self.config, "bundle", "list", "--json").stdout)[0]["id"]
        self.says_and_changes_nothing("-c", self.config, "publish", says=[f"would make {current} current"])

    def test_dry_pipeline_finds_what_a_run_would(self):
        data = self.data_copy("dry-missing")
        (data / "order_tab.csv").unlink()
        config = init(self.path / "dry-site", f"files:{data}")
        for options in ((), ("--dry-run",)):
            self.refused("-c", config, "pipeline", "run", *options, code=1, says=["extract:", "has no table order_tab"])
            self.refused("-c", config, "train", *options, code=1, says=["train:", "lake"])
            self.refused("-c", config, "publish", *options, code=1, says=["nothing was trained yet"])

    def test_dry_rollback(self):
        config = init(self.path / "dry-back", f"files:{self.path}/data")
        call("-c", config, "pipeline", "run")
        self.refused("-c", config, "bundle", "rollback", "--dry-run", code=1, says=["no sound bundle before"])
        call("-c", config, "pipeline", "run", environment={"LODESTONE_TRAINING_NEIGHBORS": "20"})
        # Not by their order: two of one second are listed by their hash.
        of_state = {entry["current"]: entry["id"] for entry in json.loads(call("-c", config, "bundle", "list", "--json").stdout)}
        newest, older = of_state[True], of_state[False]
        self.says_and_changes_nothing("-c", config, "bundle", "rollback", says=[f"would make {older} current", f"in place of {newest}"])
        self.says_and_changes_nothing("-c", config, "bundle", "rollback", older, says=[f"would make {older} current"])
        self.assertEqual(call("-c", config, "bundle", "rollback").stdout, f"{older} is current\n")

    def test_a_wrong_setting_costs_no_config(self):
        config = init(self.path / "kept", f"files:{self.path}/data")
        before = config.read_bytes()
        self.refused("init", config.parent, "--overwrite", "--set", "serving.threads=many", code=2, says=["serving.threads", "many"])
        self.assertEqual(config.read_bytes(), before)

    # --- what is refused ---

    def test_unknown_verb_and_option(self):
        self.refused("serv", code=2, says=['unknown verb "serv"', '"serve"'])
        self.refused("serve", "--lisen", "x", code=2, says=["--lisen"])
        self.refused(code=2, says=["lodestone"])

    def test_bad_config_key_names_the_nearest(self):
        bad = self.path / "bad.yaml"
        bad.write_text("serving:\n  listne: 1\nlaek:\n  folder: x\n")
        self.refused("-c", bad, "config", code=2, says=["bad.yaml:2: serving.listne: unknown key", '"listen"', "laek", '"lake"'])

    def test_custom_dimensions(self):
        data = f"files:{self.path}/data"
        same = init(self.path / "same-dimension", data, "source.request_dimension=3", "source.click_dimension=3")
        self.refused("-c", same, "pipeline", "run", "--to", "build", code=2,
                     says=["source.request_dimension and source.click_dimension are both 3"])
        absent = init(self.path / "absent-dimension", data, "source.request_dimension=7", "source.click_dimension=8")
        done = call("-c", absent, "pipeline", "run", "--to", "build")
        self.assertIn("source.request_dimension is 7, but", done.stderr)
        self.assertIn("has no column custom_dimension_7, so clicks and views carry no request id; it has custom_dimension_1, ", done.stderr)
        self.assertIn("source.click_dimension is 8, but", done.stderr)
        self.assertEqual(sql(absent, "SELECT count(request_id) AS n FROM events WHERE kind = 'click'"), [{"n": 0}])
        self.assertGreater(sql(self.config, "SELECT count(request_id) AS n FROM events WHERE kind = 'click'")[0]["n"], 0)
        self.refused("init", self.path / "far-dimension", "--source", data, "--set", "source.request_dimension=21", code=2,
                     says=["source.request_dimension: 21 is outside 1..20"])

    def test_missing_config_and_missing_source(self):
        self.refused("-c", self.path / "none.yaml", "config", code=1, says=["none.yaml", "no such file"])
        config = init(self.path / "lost", f"files:{self.path}/nowhere")
        self.refused("-c", config, "extract", code=1, says=["nowhere"])

    def test_missing_column_and_table(self):
        data = self.data_copy("cut")
        text = (data / "dataset.csv").read_text()
        (data / "dataset.csv").write_text(text.replace("dataset_name", "name", 1))
        config = init(self.path / "cut-site", f"files:{data}")
        self.refused("-c", config, "extract", code=1, says=["dataset", "dataset_name"])
        (data / "dataset.csv").unlink()
        self.refused("-c", config, "extract", code=1, says=["dataset"])

    def test_a_failed_extract_keeps_the_lake(self):
        data = self.data_copy("later-cut")
        config = init(self.path / "later-site", f"files:{data}")
        call("-c", config, "extract")
        before = sql(config, "SELECT count(*) AS n FROM items")
        text = (data / "dataset.csv").read_text()
        (data / "dataset.csv").write_text(text.replace("dataset_name", "name", 1))
        call("-c", config, "extract", code=1)
        self.assertEqual(sql(config, "SELECT count(*) AS n FROM items"), before)

    def test_bundle_that_is_not_there_or_damaged(self):
        self.refused("-c", self.config, "bundle", "show", "../../etc", code=2, says=["../../etc", "no bundle id"])
        self.refused("-c", self.config, "bundle", "verify", "b-20200101T000000Z-00000000", code=1, says=["b-20200101T000000Z-00000000", "bundle list"])
        store = self.path / "site" / "bundles"
        entry = json.loads(call("-c", self.config, "bundle", "list", "--json").stdout)[0]["id"]
        damaged = self.path / "damaged"
        shutil.copytree(store, damaged)
        target = damaged / entry / "items.safetensors"
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 1
        target.write_bytes(data)
        done = call("-c", self.config, "bundle", "verify", entry, code=1, environment={"LODESTONE_BUNDLE_FOLDER": str(damaged)})
        self.assertIn("items.safetensors", done.stderr)

    def test_another_format_version_is_refused(self):
        entry = json.loads(call("-c", self.config, "bundle", "list", "--json").stdout)[0]["id"]
        newer = self.path / "newer"
        shutil.copytree(self.path / "site" / "bundles", newer)
        manifest = newer / entry / "manifest.json"
        before = hashlib.sha256(manifest.read_bytes()).hexdigest()
        text = re.sub(r'"format_version": \d+', '"format_version": 99', manifest.read_text())
        manifest.write_text(text)
        seal = newer / entry / "manifest.sha256"
        seal.write_text(seal.read_text().replace(before, hashlib.sha256(text.encode()).hexdigest()))
        done = call("-c", self.config, "bundle", "verify", entry, code=1, environment={"LODESTONE_BUNDLE_FOLDER": str(newer)})
        self.assertIn("99", done.stderr)

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.refused("-c", self.config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0", code=1, says=[str(port), "in use"])

    def test_the_configuration_is_read_again_on_sighup(self):
        config = self.path / "reload" / "lodestone.yaml"
        config.parent.mkdir()
        config.write_text("bundle:\n  folder: ../site/bundles\nengine:\n  vector_ef: 32\n")
        shutil.copy(self.config.parent / "admin_token", config.parent / "admin_token")
        with serve(config) as site:
            log = config.parent / "serve.log"
            user = sql(self.config, "SELECT user_id FROM events WHERE user_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")[0]["user_id"]
            self.assertEqual(len(site.get(f"/recommend/user/{user}").json()["recommendations"]), 10)

            def after_signal(text):
                config.write_text(f"bundle:\n  folder: ../site/bundles\nengine:\n  {text}\n")
                before = len(log.read_text())
                site.process.send_signal(signal.SIGHUP)
                for _ in range(200):
                    if "SIGHUP" in log.read_text()[before:]:
                        return log.read_text()[before:]
                    time.sleep(0.05)
                return ""

            self.assertIn("engine.vector_ef 128", after_signal("vector_ef: 128"))
            self.assertIn("the configuration stays as it was", after_signal("vector_ef: many"))
            self.assertIn("engine.vector_ef", log.read_text())
            self.assertEqual(len(site.get(f"/recommend/user/{user}").json()["recommendations"]), 10)

    def test_bad_requests_have_their_status_and_sentence(self):
        with serve(self.config) as site:
            for query, parameter in (("limit=0", "limit"), ("limit=51", "limit"), ("limit=abc", "limit"), ("filter=price%3C", "filter"),
                                     ("exclude=a", "exclude"), ("explain=maybe", "explain")):
                answer = site.get(f"/similar/1?{query}")
                self.assertEqual(answer.status, 422, query)
                self.assertEqual(answer.json()["parameter"], parameter)
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            self.assertEqual(site.get("/similar/999999999").status, 404)
            self.assertEqual(site.get("/recommend/user/999999999").status, 200)
            self.assertEqual(site.get("/nothing").status, 404)
            self.assertEqual(site.get("/metrics", admin=True).status, 200)
            self.assertEqual(site.get("/metrics").status, 404)
            self.assertEqual(site.get("/models", admin=True).status, 200)
            self.assertEqual(site.get("/models", headers={"Authorization": "Bearer wrong"}).status, 404)
            self.assertEqual(site.get("/readyz").status, 200)

    def test_sql_errors_and_gate(self):
        self.refused("-c", self.config, "sql", "SELECT nothing FROM items", code=1, says=["nothing"])
        self.refused("-c", self.config, "pipeline", "run", "--from", "trian", code=2, says=["trian", "train"])

    def test_evaluate_refuses_what_it_cannot_read(self):
        self.refused("evaluate", "--data", self.path / "nowhere", code=1, says=["nowhere"])
        data = self.path / "set"
        data.mkdir()
        (data / "train.txt").write_text("1 1 2\n2 2 3\n")
        (data / "test.txt").write_text("1 3\n2 1\n")
        description = "version: 1\nname: tiny\nkind: interactions\nfiles:\n  train: {path: train.txt, format: adjacency}\n  test: {path: test.txt, format: adjacency}\nprotocol:\n  split: given\n  k: [2]\n  metrics: [recall]\n"
        (data / "dataset.yaml").write_text(description)
        rows = json.loads(call("evaluate", "--data", data, "--method", "pop", "--json").stdout)
        self.assertEqual(rows["set"], "tiny")
        self.assertEqual(rows["results"][0]["metrics"]["recall@2"], 1.0)
        self.refused("evaluate", "--data", data, "--method", "popp", code=2, says=["popp", "pop"])
        (data / "dataset.yaml").write_text(description.replace("split:", "spilt:"))
        self.refused("evaluate", "--data", data, code=2, says=["protocol.spilt", "split"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
