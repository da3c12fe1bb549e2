"""The server under load: latency at half load beside nginx at the same rate (open loop, so that a late answer makes no request late), idle connections,
twice the half, and ten minutes in which everything changes."""
import contextlib
import re
import resource
import socket
import statistics
import subprocess
import threading
import time
import urllib.request

import serving
from servers import redis
from support import LODESTONE, demo_config, figure, folder, free_port, nginx, run as call, server, wrk

TARGET = "/recommend/user/100?limit=10"
CLIENTS = 64
IDLE = 10_000
ACTIVE = 1_000


def open_loop(url, rate, seconds, path):
    """Requests at a steady rate whatever the answers do: answers of status 200 a second, all others, and their times in ms, ascending."""
    log = path / "h2load.log"
    log.unlink(missing_ok=True)
    call("h2load", "--h1", "-t1", f"-c{CLIENTS}", f"-D{seconds}", f"--rps={rate / CLIENTS:.3f}", f"--log-file={log}", url)
    good, bad = [], 0
    with open(log) as lines:
        for line in lines:
            _, status, micros = line.split("\t")[:3]
            if status.strip() == "200":
                good.append(int(micros) / 1000)
            else:
                bad += 1
    return len(good) / seconds, bad / seconds, sorted(good)


def tail(times):
    """P99 over P50."""
    return times[len(times) * 99 // 100] / times[len(times) // 2]


@contextlib.contextmanager
def serve(config, path):
    port, admin = free_port(), free_port()
    command = [LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"]
    with server(command, port, "lodestone", path / "serve.log") as process:
        yield process, f"http://127.0.0.1:{port}", port, admin


def resident_mib(process):
    with open(f"/proc/{process.pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def run_half_load(path, base, rounds, seconds):
    body = urllib.request.urlopen(base + TARGET).read()
    (path / "half").mkdir()
    ours, theirs, peaks, p99 = [], [], [], []
    with nginx(path / "half", body) as static:
        for _ in range(rounds):
            peaks.append(wrk(base + TARGET, seconds)[0])
            theirs.append(tail(open_loop(static, peaks[-1] / 2, seconds, path)[2]))
            times = open_loop(base + TARGET, peaks[-1] / 2, seconds, path)[2]
            ours.append(tail(times))
            p99.append(times[len(times) * 99 // 100])
    yield figure("load_half_p99_over_p50", ours, "", theirs, ratio_most=1.2)
    yield figure("load_half_p99", p99, "ms")
    yield from run_overload(path, base, statistics.median(peaks), rounds, seconds)


def run_overload(path, base, peak, rounds, seconds):
    """Half as many again as the most that an open loop gets answered."""
    best, goodput, refused = [], [], []
    for _ in range(rounds):
        best.append(max(open_loop(base + TARGET, peak * share, seconds, path)[0] for share in (0.8, 0.9, 1.0)))
        good, bad, _ = open_loop(base + TARGET, 1.5 * best[-1], seconds, path)
        goodput.append(good)
        refused.append(bad)
    yield figure("load_overload_goodput", goodput, "req/s", best, ratio_goal=0.9)
    yield figure("load_overload_refused", refused, "req/s")


def run_idle(path, config, rounds, seconds):
    """The rate of many active connections while far more are open and silent, which must all still answer."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with serve(config, path) as (process, base, port, _):
        alone = [active(base, seconds) for _ in range(rounds)]
        before = resident_mib(process)
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(IDLE)]
        cost = (resident_mib(process) - before) * 1024 / IDLE
        beside = [active(base, seconds) for _ in range(rounds)]
        lost = 0
        for one in held:
            try:
                one.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                lost += not one.recv(4096).startswith(b"HTTP/1.1 200")
            except OSError:
                lost += 1
            one.close()
    yield figure("load_1k_active_beside_10k_idle", beside, "req/s", alone, ratio_goal=0.8)
    yield figure("load_idle_connections_lost", [lost], "connections", most=0)
    yield figure("load_idle_connection", [cost], "KiB")


def active(base, seconds):
    text = call("wrk", "-t1", f"-c{ACTIVE}", f"-d{seconds}s", base + TARGET).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"bench: requests among {ACTIVE} connections failed\n{text}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))


def run_soak(path, config, seconds):
    """wrk all the time; meanwhile releases change, experiments and rules come and go, the configuration is read again, and the Redis of a channel
    is killed and comes back."""
    ids = [line.name for line in sorted((config.parent / "bundles").glob("b-*"))]
    redis_port = free_port()
    site = demo_config(path / "soak", f"files:{path}/source", "serving.threads=2", "log.level=error", f"bundle.folder={config.parent}/bundles",
                       "serving.queue_delay_ms=0", f"serving.redis_hot_url=redis://127.0.0.1:{redis_port}", "serving.cache_local_seconds=1")
    (site.parent / "channels.yaml").write_text(f'channels:\n  editors: {{url: "redis://127.0.0.1:{redis_port}", key: "recs:{{user_id}}", form: zset, '
                                               'deadline_ms: 20, pages: [user]}\n')
    with Restarted(redis_port) as other, serve(site, path) as (process, base, _, admin):
        token = (site.parent / "admin_token").read_text().strip()
        end = time.monotonic() + seconds
        n, sizes, outputs = 0, [], []

        def load():
            outputs.append(subprocess.run(["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", base + TARGET], capture_output=True, text=True).stdout)

        client = threading.Thread(target=load)
        client.start()
        while time.monotonic() < end - 1:
            n += 1
            request = urllib.request.Request(f"http://127.0.0.1:{admin}/models/reload", method="POST",
                                             data=b'{"source": "%s"}' % ids[n % len(ids)].encode(),
                                             headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            urllib.request.urlopen(request).read()
            replace(site.parent / "experiments.yaml", "experiments:\n  soak:\n    status: active\n    salt: s%d\n    variants:\n"
                    "      - {name: control, allocation: 0.5}\n      - {name: other, allocation: 0.5, parameters: {diversity: 0.3}}\n" % n)
            replace(site.parent / "rules.yaml", f"hide: [item_id={n}]\n")
            process.send_signal(1)  # SIGHUP
            if n % 4 == 0:
                other.restart()
            sizes.append(resident_mib(process))
            time.sleep(0.5)
        client.join()
    text = outputs[0]
    failed = sum(int(one) for one in re.findall(r"(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)", text))
    half = sizes[len(sizes) // 4:]  # what is warm by then is to stay
    yield figure("load_soak_failed", [failed], "requests", most=0)
    yield figure("load_soak_redis_kills", [other.kills], "kills")
    yield figure("load_soak_requests", [float(re.search(r"(\d+) requests in", text).group(1))], "requests")
    yield figure("load_soak_memory", [statistics.median(half[-len(half) // 4:])], "MiB", [statistics.median(half[:len(half) // 4 + 1])], ratio_most=1.1)


class Restarted:
    """A Redis with one list for the visitor who is asked about, killed (-9) and started again in turn."""

    def __init__(self, port):
        self.port, self.kills, self.stack = port, 0, None

    def restart(self):
        if self.stack:
            self.process.kill()
            self.kills += 1
            self.stack.close()
            self.stack = None
        else:
            self.stack = contextlib.ExitStack()
            _, self.process = self.stack.enter_context(redis("--maxmemory", "100mb", port=self.port))
            call("redis-cli", "-p", self.port, "zadd", "recs:100", 3, 11, 2, 12, 1, 13)

    def __enter__(self):
        self.restart()
        return self

    def __exit__(self, *_):
        if self.stack:
            self.stack.close()


def replace(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def run(rounds, quick):
    seconds = 2 if quick else 5
    with folder() as path:
        config = serving.prepare(path, quick)
        call(LODESTONE, "-c", config, "pipeline", "run", "--from", "train")  # a second release for the soak
        with serve(config, path) as (_, base, _, _):
            yield from run_half_load(path, base, rounds, seconds)
        wide = demo_config(path / "wide", f"files:{path}/source", "serving.threads=2", "log.level=warn", f"bundle.folder={path}/site/bundles",
                           f"serving.max_connections={IDLE + ACTIVE + 100}", "serving.queue_delay_ms=0")  # wrk makes 1,000 wait for 2 threads
        yield from run_idle(path, wide, rounds, seconds)
        yield from run_soak(path, config, 20 if quick else 600)
