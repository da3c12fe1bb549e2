"""Runs snippet_test.mjs in headless Chromium."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import ROOT, node  # noqa: E402

sys.exit(subprocess.run([str(node()), str(ROOT / "tests/e2e/snippet_test.mjs")], env=dict(os.environ), check=False).returncode)
