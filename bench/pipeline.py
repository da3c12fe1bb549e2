"""The whole pipeline over 10 M simulated events, in time and memory, and its memory against that at 2 M."""
from support import LODESTONE, demo_config, figure, folder, timed
from support import run as call


def once(path, events):
    call(LODESTONE, "simulate", "--to", f"files:{path}/source", "--items", 100_000, "--users", 1_000_000, "--events", events, "--seed", 7,
         "--end", "2026-11-01T00:00:00Z")
    config = demo_config(path / "site", f"files:{path}/source")
    seconds, mebibytes, _ = timed(LODESTONE, "-c", config, "pipeline", "run")
    return seconds, mebibytes


def run(rounds, quick):
    large, small = (1_000_000, 200_000) if quick else (10_000_000, 2_000_000)
    seconds, peaks, small_peaks = [], [], []
    # One round takes minutes and its goals are far from the noise, so the count of rounds is not the usual one.
    for _ in range(1):
        with folder() as path:
            small_peaks.append(once(path, small)[1])
        with folder() as path:
            spent, peak = once(path, large)
        seconds.append(spent)
        peaks.append(peak)
    yield figure("pipeline_10m_seconds", seconds, "s", most=300)
    yield figure("pipeline_10m_peak", peaks, "MiB", most=4096)
    row = figure("pipeline_peak_10m_vs_2m", peaks, "MiB", small_peaks)
    yield row | {"goal": "ratio<=1.5", "met": row["ratio"] <= 1.5}
