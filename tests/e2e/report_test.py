"""lodestone evaluate --report from the outside: over a simulated set, read in headless Chromium by report_test.mjs."""
import json
import os
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import ROOT, call, node  # noqa: E402
from servers import folder  # noqa: E402


def write_set(path):
    """300 users with one of six tastes, as a table of events and one of items."""
    rng = random.Random(5)
    events = ["user,item"]
    for user in range(300):
        taste = rng.randrange(6)
        for item in rng.sample(range(10), 6):
            events.append(f"{user},{(rng.randrange(6) if rng.random() < 0.1 else taste) * 10 + item}")
    (path / "events.csv").write_text("\n".join(events) + "\n", encoding="utf-8")
    (path / "items.csv").write_text("item,title\n" + "".join(f"{i},taste{i // 10} number{i}\n" for i in range(60)), encoding="utf-8")
    (path / "dataset.yaml").write_text(
        "version: 1\nname: tastes <&>\nkind: interactions\nfiles:\n  events: {path: events.csv, format: table}\n"
        "  items: {path: items.csv, format: table, columns: {item: item, title: title}}\nprotocol: {split: per-user, fraction: 0.7, k: [10], metrics: [recall]}\n", encoding="utf-8")


with folder() as path:
    write_set(path)
    methods = ["pop", "itemknn-cosine", "ease", "content"]
    done = call("evaluate", "--data", path, "--method", ",".join(methods), "--metrics", "recall,ndcg,auc,coverage", "--report", path / "report.html", "--json")
    results = json.loads(done.stdout)["results"]
    assert [row["method"] for row in results] == methods, results
    assert all("cold_users" in row["slices"] for row in results), "a report measures the slices"
    settings = {"REPORT": str(path / "report.html"), "METHODS": ",".join(methods), "METRICS": ",".join(results[0]["metrics"])}
    browser = subprocess.run([str(node()), str(ROOT / "tests/e2e/report_test.mjs")], env={**os.environ, **settings, "SHOTS": os.environ.get("SHOTS", "")}, check=False)
    sys.exit(browser.returncode)
