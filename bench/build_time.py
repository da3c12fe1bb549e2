"""A clean release build, and the rebuild after one changed source file."""
import os
import shutil
import time

from support import ROOT, figure
from support import run as call


def run(rounds, quick):
    # A compiler cache would measure itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CCACHE", "CMAKE_CXX_COMPILER_LAUNCHER"))}
    target = ROOT / "build/bench-release"
    shutil.rmtree(target, ignore_errors=True)
    start = time.monotonic()
    call("cmake", "--preset", "release", "-B", target, cwd=ROOT, env=environment)
    call("cmake", "--build", target, "--parallel", os.cpu_count(), cwd=ROOT, env=environment)
    clean = time.monotonic() - start
    changed = []
    for name in ("engine/recommender.cpp", "training/item_knn.cpp", "serving/recommendations.cpp"):
        os.utime(ROOT / "src" / name)
        start = time.monotonic()
        call("cmake", "--build", target, "--parallel", os.cpu_count(), cwd=ROOT, env=environment)
        changed.append(time.monotonic() - start)
    shutil.rmtree(target, ignore_errors=True)
    yield figure("build_clean_release", [clean], "s", most=480)
    yield figure("build_one_changed_file", [max(changed)], "s", most=20)
