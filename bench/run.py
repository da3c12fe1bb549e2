#!/usr/bin/env python3
"""Runs the benchmarks and prints one line a figure: name, value, unit, baseline, ratio, goal, met or missed.

    ./run bench [NAME...] [--json FILE] [--rounds N] [--quick]

Every figure is taken beside its baseline in the same rounds (the median of at least 3), because machines are shared: read the ratio.
A missed goal is printed, never hidden, and does not fail the command.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import accuracy  # noqa: E402
import als  # noqa: E402
import binlog  # noqa: E402
import build_time  # noqa: E402
import bundle  # noqa: E402
import capture  # noqa: E402
import features  # noqa: E402
import incremental  # noqa: E402
import indexes  # noqa: E402
import load  # noqa: E402
import loop  # noqa: E402
import peers  # noqa: E402
import pipeline  # noqa: E402
import ranking  # noqa: E402
import rankers  # noqa: E402
import serving  # noqa: E402
import snapshot  # noqa: E402
import training  # noqa: E402
import trees  # noqa: E402
import vectors  # noqa: E402

BENCHES = {
    "accuracy": accuracy.run,
    "als": als.run,
    "serving": serving.run,
    "bundle": bundle.run,
    "snapshot": snapshot.run,
    "binlog": binlog.run,
    "capture": capture.run,
    "incremental": incremental.run,
    "indexes": indexes.run,
    "load": load.run,
    "loop": loop.run,
    "peers": peers.run,
    "pipeline": pipeline.run,
    "training": training.run,
    "features": features.run,
    "ranking": ranking.run,
    "trees": trees.run,
    "rankers": rankers.run,
    "vectors": vectors.run,
    "build": build_time.run,
}


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip() or "no commit"
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, commit {commit}"


def number(value):
    if value is None:
        return "-"
    return f"{value:.4g}" if abs(value) < 10000 else f"{value:,.0f}"


def line(figure):
    met = "-" if figure["met"] is None else "met" if figure["met"] else "MISSED"
    return (f"{figure['name']:<34} {number(figure['value']):>10} {figure['unit']:<8} baseline {number(figure['baseline']):>10}  "
            f"ratio {number(figure['ratio']):>7}  goal {figure['goal']:<12} {met:<7} spread {figure['spread']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of: " + ", ".join(BENCHES) + " (default: all but build)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as an array of objects")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--quick", action="store_true", help="smaller inputs, to see that everything runs; not for figures")
    arguments = parser.parse_args()
    names = arguments.names or [name for name in BENCHES if name != "build"]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    if arguments.rounds < 3 and not arguments.quick:
        sys.exit("bench: --rounds must be at least 3; a median of fewer says nothing on a shared machine")
    print(machine(), flush=True)
    figures = []
    for name in names:
        start = time.monotonic()
        for figure in BENCHES[name](arguments.rounds, arguments.quick):
            figures.append(figure)
            print(line(figure), flush=True)
        print(f"  {name} took {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
