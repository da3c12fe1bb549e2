"""The features of 300 k users and 50 k items over 10 M simulated events, in time and memory, against SQL for the same engine.

Two things are measured. 30 features a user and 30 an item (features_bench.cpp names them), written to two Parquet files, all answers equal: ours is the
pass over the events that the product's features are made with, `best` is SQL tuned for this, `plain` is SQL as an analyst writes it. And `features build`,
which makes all features of the schema (62 and 91), against the 60 of both.
"""
from support import LODESTONE, demo_config, figure, folder, timed
from support import run as call

BENCH = LODESTONE.parent / "features_bench"


def run(rounds, quick):
    events, items, users = (1_000_000, 5_000, 30_000) if quick else (10_000_000, 50_000, 300_000)
    forms = ("ours", "best", "plain")
    seconds, cpu, peaks = ({form: [] for form in (*forms, "all")} for _ in range(3))
    with folder() as path:
        call(LODESTONE, "simulate", "--to", f"files:{path}/source", "--format", "parquet", "--items", items, "--users", users, "--events", events,
             "--seed", 7, "--end", "2026-11-01T00:00:00Z")
        config = demo_config(path / "site", f"files:{path}/source")
        call(LODESTONE, "-c", config, "pipeline", "run", "--to", "build")
        commands = {form: (BENCH, form, path / "site/lake", path / form) for form in forms}
        commands["all"] = (LODESTONE, "-c", config, "features", "build")
        for _ in range(rounds):
            for form, command in commands.items():
                spent, peak, _, used = timed(*command, with_cpu=True)
                seconds[form].append(spent)
                cpu[form].append(used)
                peaks[form].append(peak)
        for form in ("best", "plain"):
            call(BENCH, "compare", path / "ours", path / form)
    yield figure("features_60_seconds", seconds["ours"], "s", seconds["best"], ratio_most=1)
    yield figure("features_60_cpu", cpu["ours"], "s", cpu["best"], ratio_most=1)
    yield figure("features_60_peak", peaks["ours"], "MiB", peaks["best"], most=1024)
    yield figure("features_60_seconds_plain_sql", seconds["ours"], "s", seconds["plain"], ratio_most=0.5)
    yield figure("features_10m_seconds", seconds["all"], "s", seconds["best"])
    yield figure("features_10m_cpu", cpu["all"], "s", cpu["best"])
    yield figure("features_10m_peak", peaks["all"], "MiB", peaks["best"], most=1024)
    yield figure("features_10m_seconds_plain_sql", seconds["all"], "s", seconds["plain"])
