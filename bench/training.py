"""What training costs when there are ten times the events: `train` as a whole, and the sparse linear model alone, in a catalogue of 100 k items."""
import json

from support import LODESTONE, ROOT, demo_config, figure, folder, timed
from support import run as call

PROGRAM = ROOT / "build/release/als_bench"
THREADS = 2
MOST = 13  # times the cost for 10 times the events


def train(path, items, users, events):
    """Seconds and peak MiB of `train` on a lake of so many simulated events."""
    call(LODESTONE, "simulate", "--to", f"files:{path}/source", "--items", items, "--users", users, "--events", events, "--seed", 7,
         "--end", "2026-11-01T00:00:00Z")
    config = demo_config(path / "site", f"files:{path}/source")
    call(LODESTONE, "-c", config, "pipeline", "run", "--to", "build")
    seconds, mebibytes, _ = timed(LODESTONE, "-c", config, "train")
    return seconds, mebibytes


def slim(items, events):
    """Seconds of the fit alone, and peak MiB of the process. Ten events a user, as `train` has them at 10 M: with fewer, items have no pairs to
    learn from and the small side costs nothing."""
    _, mebibytes, text = timed(PROGRAM, "slim", events // 10, items, events, THREADS)
    return json.loads(text)["seconds"], mebibytes


def near_linear(name, large, small):
    row = figure(name, large, "s", small)
    return row | {"goal": f"ratio<={MOST}", "met": row["ratio"] <= MOST}


def run(rounds, quick):
    large, small = (200_000, 20_000) if quick else (10_000_000, 1_000_000)
    items, users = (5_000, 20_000) if quick else (100_000, 1_000_000)
    few, many = [], []
    for _ in range(rounds):
        few.append(slim(items, small))
        many.append(slim(items, large))
    yield near_linear("slim_10m_vs_1m_events", [s for s, _ in many], [s for s, _ in few])
    yield figure("slim_100k_items_peak", [m for _, m in many], "MiB", most=2048)
    # Minutes a round, and its goal is far from the noise, so the count of rounds is not the usual one.
    with folder() as path:
        least = train(path, items, users, small)
    with folder() as path:
        most = train(path, items, users, large)
    yield near_linear("train_10m_vs_1m_events", [most[0]], [least[0]])
    yield figure("train_10m_peak", [most[1]], "MiB", most=4096)
