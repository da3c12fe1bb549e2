"""What the ranker is worth to people: lists for the users of a simulated marketplace with and without it, judged by what only the simulation knows: how
likely each user is to look for an item and then to buy it, and how well the item suits him whether he would find it or not. A round is a marketplace of
its own."""
import json
import math
import os
import urllib.request
from datetime import datetime, timezone

from support import LODESTONE, ROOT, demo_config, figure, folder, free_port, server
from support import run as call
from visitors import Truth


def ndcg_at_10(truth, utility, user, items):
    discount = [1 / math.log2(k + 2) for k in range(10)]
    best = sorted((utility(user, item) for item in truth.on_sale), reverse=True)[:10]
    ideal = sum(d * gain for d, gain in zip(discount, best))
    return sum(d * utility(user, item) for d, item in zip(discount, items)) / ideal if ideal > 0 else 0


def lists(config, path, users):
    """The ten items of each user who is known to the release."""
    port = free_port()
    command = [LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}"]
    with server(command, port, "lodestone", path / "serve.log"):
        out = {}
        for user in users:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/recommend/user/{user + 1}?limit=10") as answer:
                found = json.loads(answer.read())["recommendations"]
            if any("popular" != item["reason"] for item in found):
                out[user] = [item["dataset_id"] - 1 for item in found]
    return out


def judge(path, seed, quick, catalogs):
    source = path / "source"
    events = 60_000 if quick else 200_000
    call(LODESTONE, "simulate", "--to", f"files:{source}", *catalogs, "--users", 2000, "--events", events, "--seed", seed, "--end",
         datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "--truth", path / "truth.json")
    config = demo_config(path / "site", f"files:{source}", "serving.threads=2", "log.level=warn")
    call(LODESTONE, "-c", config, "pipeline", "run")
    truth = Truth(path / "truth.json", source)
    users = range(0, 2000, 2)
    ranked = lists(config, path, users)
    os.environ["LODESTONE_TRAINING_RANKER"] = "false"
    call(LODESTONE, "-c", config, "pipeline", "run", "--from", "train")
    del os.environ["LODESTONE_TRAINING_RANKER"]
    plain = lists(config, path, users)
    both = [user for user in ranked if user in plain]
    return [[sum(ndcg_at_10(truth, utility, user, found[user]) for user in both) / len(both) for found in (ranked, plain)]
            for utility in (truth.chance, truth.fit)]


def run(rounds, quick):
    catalogs = [f"--catalog={ROOT}/demo/catalog/{name}.jsonl.gz" for name in ("aws", "firstdata")]
    results = []
    for seed in range(1, rounds + 1):
        with folder() as path:
            results.append(judge(path, seed, quick, catalogs))
    for name, column, goal in (("ranked_true_ndcg_at_10", 0, 1.1), ("ranked_fit_ndcg_at_10", 1, None)):
        yield figure(name, [r[column][0] for r in results], "", [r[column][1] for r in results], ratio_goal=goal)
