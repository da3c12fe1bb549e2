"""Channels that wait: all at once against one after the other, the tiers under a Zipf load, and what becomes of the slowest requests when
Redis does not answer. Ratios within one run; the remote channels are a small server that waits as long as it is told."""
import asyncio
import contextlib
import http.client
import itertools
import json
import multiprocessing
import random
import re
import signal
import statistics
import threading
import time
import urllib.request

from support import LODESTONE, demo_config, figure, folder, free_port, run as call, server
from peers import clicked
from servers import redis, wait_for_port
from serving import prepare

LOADERS = 6
BOUNDED = ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")


def remote(port, ids):
    """GET /WAIT_MS/...?i=ID is answered after WAIT_MS with 20 items."""

    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1].decode()
                await asyncio.sleep(int(target.split("/")[1]) / 1000)
                dice = random.Random(target)
                items = [{"dataset_id": one, "score": 1 / (k + 1)} for k, one in enumerate(dice.sample(ids, 20))]
                body = json.dumps({"items": items}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    async def run():
        await (await asyncio.start_server(serve, "127.0.0.1", port, backlog=512)).serve_forever()

    asyncio.run(run())


@contextlib.contextmanager
def remote_server(ids):
    port = free_port()
    process = multiprocessing.Process(target=remote, args=(port, ids), daemon=True)
    process.start()
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=1)) as probe:
                probe.connect()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def lodestone(path, name, source, channels, *settings):
    site = path / name
    config = demo_config(site, source, "serving.threads=1", "log.level=error", "serving.exposure_log=false", "serving.request_timeout_ms=1000",
                         f"bundle.folder={path}/site/bundles", *settings)
    (site / "channels.yaml").write_text(channels)
    port = free_port()
    command = [LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}"]
    with server(command, port, "lodestone", site / "serve.log") as process:
        wait_for_port(port, process, "lodestone")
        yield port


def load(port, ids):
    """Milliseconds of each request, LOADERS at a time; every one must be a full answer."""
    times, todo, lock, faults = [], iter(ids), threading.Lock(), []

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for one in iter(lambda: next_of(todo, lock), None):
            start = time.perf_counter()
            connection.request("GET", f"/similar/{one}?limit=10")
            answer = connection.getresponse()
            body = answer.read()
            times.append((time.perf_counter() - start) * 1e3)
            if answer.status != 200 or b"fallback:bundle" in body:
                faults.append(body)

    threads = [threading.Thread(target=work) for _ in range(LOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(faults)


def next_of(iterator, lock):
    with lock:
        return next(iterator, None)


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def zipf(ids, n, seed):
    weights = [1 / (rank + 1) for rank in range(len(ids))]
    return random.Random(seed).choices(ids, weights, k=n)


def channel(name, port, wait, more=""):
    return f'  {name}: {{url: "http://127.0.0.1:{port}/{wait}/{name}?i={{dataset_id}}", deadline_ms: 500, pages: [similar]{more}}}\n'


def run(rounds, quick):
    n = 600 if quick else 4000
    with folder() as path:
        prepare(path, True)
        source = f"files:{path}/source"
        with lodestone(path, "probe", source, "") as port:
            spec = [json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/search?limit=50&q={q}").read())["items"]
                    for q in ("data", "open", "daily", "image", "public", "weather", "model", "genome", "map", "climate")]
        ids = sorted({item["dataset_id"] for item in itertools.chain(*spec)})
        with remote_server(ids) as other:
            yield from run_parallel(path, source, other, ids, rounds)
            yield from run_tiers(path, source, other, ids, rounds, n)
            yield from run_faults(path, source, other, ids, rounds, n)
            yield from run_local(path, source, other, ids, rounds, n)
        yield from run_replicas(path, source, 5 * rounds)
        yield from run_trending(path, source, rounds, 1 if quick else 4)


def run_parallel(path, source, other, ids, rounds):
    three = "".join(channel(name, other, 10) for name in ("one", "two", "three"))
    at_once, in_turn = [], []
    for round_number in range(rounds):
        for times, order in ((in_turn, "false"), (at_once, "true")):
            name = f"order-{round_number}-{order}"
            with lodestone(path, name, source, f"at_once: {order}\nchannels:\n{three}", "serving.cache_preheat_items=0") as port:
                times.append(statistics.median(load(port, random.Random(round_number).sample(ids, min(200, len(ids))))[0]))
    yield figure("channels_three_of_10ms", at_once, "ms", in_turn, ratio_most=0.6)


def run_tiers(path, source, other, ids, rounds, n):
    one = "channels:\n" + channel("graph", other, 30)
    with_tiers, without, rates = [], [], []
    for round_number in range(rounds):
        asked = zipf(ids, n, round_number)
        with lodestone(path, f"bare-{round_number}", source, one.replace("]}", "], shared: false}"), "serving.cache_local_mib=0") as port:
            without.append(percentile(load(port, asked[:n // 4])[0], 0.95))
        with redis(*BOUNDED) as (redis_port, _), lodestone(path, f"tiers-{round_number}", source, one,
                                                   f"serving.redis_hot_url=redis://127.0.0.1:{redis_port}") as port:
            load(port, zipf(ids, n, 1000 + round_number))  # other visitors before: what a server that runs knows
            times, _ = load(port, asked)
            with_tiers.append(percentile(times, 0.95))
            rates.append(sum(1 for t in times if t < 15) / len(times))  # what waited for the channel took 30 ms
    yield figure("channels_hit_rate_zipf", rates, "share", least=0.8)
    yield figure("channels_p95_saved_by_tiers", [a - b for a, b in zip(without, with_tiers)], "ms", least=20)


def run_faults(path, source, other, ids, rounds, n):
    one = "channels:\n" + channel("graph", other, 30)
    healthy, down, stopped, failed = [], [], [], 0
    for round_number in range(rounds):
        asked = zipf(ids, n, 100 + round_number)
        for tails, fault in ((healthy, None), (down, signal.SIGKILL), (stopped, signal.SIGSTOP)):
            name = f"fault-{round_number}-{fault}"
            with redis(*BOUNDED) as (redis_port, process), lodestone(path, name, source, one,
                                                             f"serving.redis_hot_url=redis://127.0.0.1:{redis_port}") as port:
                load(port, asked[:50])
                if fault:
                    process.send_signal(fault)
                times, faults = load(port, asked)
                failed += faults
                tails.append(percentile(times, 0.99))
                if fault == signal.SIGSTOP:
                    process.send_signal(signal.SIGCONT)
    yield figure("channels_p99_redis_down", down, "ms", healthy, ratio_most=2)
    yield figure("channels_p99_redis_stopped", stopped, "ms", healthy, ratio_most=2)
    yield figure("channels_requests_failed", [failed], "requests", most=0)


def run_local(path, source, other, ids, rounds, n):
    """Readings of Redis for the same questions with and without the tier in this process."""
    one = "channels:\n" + channel("graph", other, 5)
    with_local, without = [], []
    for round_number in range(rounds):
        asked = zipf(ids, n, 200 + round_number)
        for reads, setting in ((with_local, ()), (without, ("serving.cache_local_mib=0",))):
            name = f"local-{round_number}-{len(setting)}"
            with redis(*BOUNDED) as (redis_port, _), lodestone(path, name, source, one, "serving.cache_preheat_items=0",
                                                           f"serving.redis_hot_url=redis://127.0.0.1:{redis_port}", *setting) as port:
                load(port, asked)
                reads.append(sum(int(calls) for calls in re.findall(r"cmdstat_m?get:calls=(\d+)", redis_cli(redis_port, "info", "commandstats"))))
    yield figure("channels_redis_reads", with_local, "reads", without, ratio_most=0.7)


def run_replicas(path, source, n):
    """Milliseconds from a click posted to one server until that visitor's list is another one on a second server, which hears of it by Redis."""
    with redis(*BOUNDED) as (redis_port, _), contextlib.ExitStack() as stack:
        shared = f"serving.redis_hot_url=redis://127.0.0.1:{redis_port}"
        one, other = (stack.enter_context(lodestone(path, name, source, "", shared)) for name in ("replica-1", "replica-2"))
        times = [clicked(one, user, other) for user in range(1, n + 1)]
        yield figure("channels_click_elsewhere", times, "ms", most=1000)
        yield figure("channels_click_elsewhere_slowest", [max(times)], "ms", most=1000)


def run_trending(path, source, rounds, seconds):
    """Seconds that one caller waits for the trending list, made in this process, against the same call with one reading of the list from a Redis."""
    ours, with_redis = [], []
    with lodestone(path, "trending", source, "") as port, redis() as (redis_port, _):
        target = f"http://127.0.0.1:{port}/hot/trending?timeframe=7d"
        redis_cli(redis_port, "set", "trending", urllib.request.urlopen(target).read().decode())
        for _ in range(rounds):
            ours.append(1e6 / float(re.search(r"Requests/sec:\s+([\d.]+)", call("wrk", "-t1", "-c1", f"-d{seconds}s", target).stdout).group(1)))
            text = call("redis-benchmark", "-p", redis_port, "-c", 1, "-n", 20_000 * seconds, "--csv", "get", "trending").stdout
            with_redis.append(ours[-1] + 1e6 / float(text.splitlines()[-1].split(",")[1].strip('"')))
    yield figure("channels_trending", ours, "us", with_redis, ratio_most=0.667)


def redis_cli(port, *words):
    return call("redis-cli", "-p", port, *words).stdout
