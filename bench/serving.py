"""Lists of 10 cards from a warm bundle over the real catalogues, against nginx serving a static body of the same size: of one page again and again, which
guests share within a second, and of one item or user after another, each of them computed."""
import random
import urllib.error
import urllib.request

from support import LODESTONE, ROOT, demo_config, figure, folder, free_port, nginx, rounds_of, server
from support import run as call

SECONDS = 4
N_USERS = 2000
N_ITEMS = 1900
SCRIPT = """local targets = {%s}
local at = 0
request = function()
  at = at %% #targets + 1
  return wrk.format("GET", targets[at])
end
"""


def walk(base, path, n, file):
    """wrk's options to ask for one page after the other, of those that are there."""
    found = []
    for one in random.Random(7).sample(range(1, n + 1), n):
        try:
            urllib.request.urlopen(base + path.format(one)).read()
            found.append(f'"{path.format(one)}"')
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
    file.write_text(SCRIPT % ",".join(found))
    return "-s", file


def prepare(path, quick):
    events = 20_000 if quick else 200_000
    catalogs = [f"--catalog={ROOT}/demo/catalog/{name}.jsonl.gz" for name in ("aws", "firstdata")]
    call(LODESTONE, "simulate", "--to", f"files:{path}/source", *catalogs, "--users", N_USERS, "--events", events, "--seed", 7,
        "--end", "2026-11-01T00:00:00Z")
    # wrk sends as fast as it is answered: on a slow machine its 64 connections wait longer than a server that people ask would let them.
    config = demo_config(path / "site", f"files:{path}/source", "serving.threads=2", "log.level=warn", "serving.queue_delay_ms=0")
    call(LODESTONE, "-c", config, "pipeline", "run")
    return config


def run(rounds, quick):
    seconds = 1 if quick else SECONDS
    with folder() as path:
        config = prepare(path, quick)
        port = free_port()
        admin = free_port()
        command = [LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"]
        with server(command, port, "lodestone", path / "serve.log"):
            base = f"http://127.0.0.1:{port}"
            for name, target, varied, goal in (("serving_similar_10", "/similar/100?limit=10", None, 1.0),
                                               ("serving_similar_10_each", "/similar/100?limit=10", ("/similar/{}?limit=10", N_ITEMS), None),
                                               ("serving_user_10", "/recommend/user/100?limit=10", None, 0.3),
                                               ("serving_user_10_each", "/recommend/user/100?limit=10", ("/recommend/user/{}?limit=10", N_USERS), 0.3),
                                               ("serving_trending_20", "/hot/trending?timeframe=7d", None, None)):
                body = urllib.request.urlopen(base + target).read()
                (path / name).mkdir()
                options = walk(base, *varied, path / name / "ids.lua") if varied else ()
                with nginx(path / name, body) as static:
                    ours, theirs, p99 = rounds_of(base + target, static, rounds, seconds, *options)
                yield figure(name, ours, "req/s", theirs, ratio_goal=goal)
                yield figure(name + "_p99", p99, "ms")
            yield from run_exposures(path, base, rounds, seconds)
            yield figure("serving_exposures_dropped", [dropped(admin, (config.parent / "admin_token").read_text().strip())], "lists", most=0)


def dropped(admin, token):
    """Lists that were shown and are not in the exposure log."""
    asked = urllib.request.Request(f"http://127.0.0.1:{admin}/metrics", headers={"Authorization": f"Bearer {token}"})
    lines = urllib.request.urlopen(asked).read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("exposure_log_dropped_total{"))


def run_exposures(path, base, rounds, seconds):
    """The same list from a server that logs what it shows, against one that does not, in the same rounds."""
    port = free_port()
    quiet = demo_config(path / "quiet", f"files:{path}/source", "serving.threads=2", "log.level=warn", "serving.queue_delay_ms=0", "serving.exposure_log=false",
                        f"bundle.folder={path}/site/bundles")
    command = [LODESTONE, "-c", quiet, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}"]
    with server(command, port, "lodestone", path / "quiet.log"):
        target = "/similar/100?limit=10"
        logging, silent, p99 = rounds_of(base + target, f"http://127.0.0.1:{port}{target}", rounds, seconds)
    yield figure("serving_exposure_log", logging, "req/s", silent, ratio_goal=0.9)
    yield figure("serving_exposure_log_p99", p99, "ms")
