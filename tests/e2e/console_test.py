"""Runs console_test.mjs in headless Chromium against the product serving the demo's catalogues."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import ROOT, call, init, node, serve  # noqa: E402
from servers import folder  # noqa: E402


with folder() as path:
    catalogs = [ROOT / "demo/catalog" / name for name in ("aws", "firstdata")]
    options = [option for catalog in catalogs for option in ("--catalog", f"{catalog}.jsonl.gz")]
    call("simulate", "--to", f"files:{path}/data", *options, "--users", 800, "--events", 60000, "--days", 90, "--seed", 7, "--end", "2026-11-01T00:00:00Z")
    config = init(path / "site", f"files:{path}/data", "serving.demo_page=true", "serving.demo_catalogs=" + ",".join(f"{c}.yaml" for c in catalogs))
    call("-c", config, "pipeline", "run")
    with serve(config) as site:
        done = subprocess.run([str(node()), str(ROOT / "tests/e2e/console_test.mjs")], env={**os.environ, "BASE_URL": site.base, "SHOTS": str(path)}, check=False)
    sys.exit(done.returncode)
