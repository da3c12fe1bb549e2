"""Opening a bundle of 100 k items x 200 neighbours, and the first request against the thousandth."""
import json

from support import ROOT, figure, folder
from support import run as call


def run(rounds, quick):
    program = ROOT / "build/release/bundle_bench"
    with folder() as path:
        call(program, "make", path, 10_000 if quick else 100_000, 200)
        opens, firsts, laters = [], [], []
        for _ in range(rounds):
            row = json.loads(call(program, "open", path).stdout)
            opens.append(row["open_seconds"])
            firsts.append(row["first_us"])
            laters.append(row["thousandth_us"])
    yield figure("bundle_open_100k_x_200", opens, "s", most=0.5)
    row = figure("bundle_first_request", firsts, "us", laters)
    yield row | {"goal": "ratio<2", "met": row["ratio"] < 2}
