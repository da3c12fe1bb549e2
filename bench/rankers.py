"""The ranker configurations of config/rankers.yaml on simulated requests: what the light ones lose in AUC and NDCG@10, and win in bytes and in
time for 200 rows, against baseline in the same round."""
import json

from support import ROOT, figure
from support import run as call

PROGRAM = ROOT / "build/release/rankers_bench"


def run(rounds, quick):
    requests, seconds = (500, 1) if quick else (5000, 4)
    results = [json.loads(call(PROGRAM, requests, seconds).stdout) for _ in range(rounds)]

    def of(name, key):
        return [result[name][key] for result in results]

    def speeds(name):
        return [200e6 / microseconds for microseconds in of(name, "microseconds")]
    for name, size_goal, speed_goal in (("lightweight", 2, 2), ("minimal", None, None), ("baseline-top-30", None, None)):
        label = "ranker_" + name.replace("-", "_")
        yield figure(f"{label}_auc", of(name, "auc"), "", of("baseline", "auc"), ratio_goal=0.97 if size_goal else None)
        yield figure(f"{label}_ndcg_at_10", of(name, "ndcg"), "", of("baseline", "ndcg"))
        yield figure(f"{label}_per_mib", [2**20 / n for n in of(name, "bytes")], "1/MiB",
                     [2**20 / n for n in of("baseline", "bytes")], ratio_goal=size_goal)
        yield figure(f"{label}_200_rows", speeds(name), "rows/s", speeds("baseline"), ratio_goal=speed_goal)
