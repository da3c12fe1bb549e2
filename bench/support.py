"""What the benchmarks share: figures, servers that they start and stop by pid, and the product's binary."""
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from servers import folder, free_port, mariadb, run, server  # noqa: E402,F401
LODESTONE = ROOT / "build/release/lodestone"


def figure(name, values, unit, baselines=None, ratio_goal=None, ratio_most=None, most=None, least=None):
    """One figure from the values of the rounds. The ratio is the median of the ratios of each round. The goal is a least or most ratio, a most
    value or a least value."""
    value = statistics.median(values)
    baseline = statistics.median(baselines) if baselines else None
    ratios = [v / b for v, b in zip(values, baselines)] if baselines else None
    ratio = statistics.median(ratios) if ratios else None
    met, goal = None, "-"
    if ratio_goal is not None:
        met, goal = ratio >= ratio_goal, f"ratio>={ratio_goal:g}"
    elif ratio_most is not None:
        met, goal = ratio <= ratio_most, f"ratio<={ratio_most:g}"
    elif most is not None:
        met, goal = value <= most, f"<={most:g}"
    elif least is not None:
        met, goal = value >= least, f">={least:g}"
    spread = [min(ratios), max(ratios)] if ratios else [min(values), max(values)]
    return {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio, "goal": goal, "met": met,
            "spread": f"{spread[0]:.4g}..{spread[1]:.4g}"}


def timed(*command, with_cpu=False, **options):
    """Seconds, peak MiB and the output of one process, and when asked for the seconds of all its threads together."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, **options)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))} ended with {process.returncode}\n{text}")
    cpu = (usage.ru_utime + usage.ru_stime,) if with_cpu else ()
    return seconds, usage.ru_maxrss / 1024, text, *cpu


@contextlib.contextmanager
def nginx(path, body):
    """nginx serving `body` as a static file on two workers without a log; yields the URL."""
    port = free_port()
    (path / "www").mkdir()
    (path / "www" / "body").write_bytes(body)
    (path / "nginx.conf").write_text(f"""
user root; worker_processes 2; pid {path}/nginx.pid; error_log {path}/error.log; daemon off;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; open_file_cache max=100; default_type application/json; sendfile on; tcp_nodelay on;
  client_body_temp_path {path}; proxy_temp_path {path}; fastcgi_temp_path {path}; uwsgi_temp_path {path}; scgi_temp_path {path};
  server {{ listen 127.0.0.1:{port} reuseport; root {path}/www; }} }}
""")
    os.chmod(path, 0o755)
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    with server([binary, "-c", path / "nginx.conf", "-p", path], port, "nginx", path / "nginx.out"):
        yield f"http://127.0.0.1:{port}/body"


def rounds_of(target, static, rounds, seconds, *options):
    """Rates of both in turn, and the p99 of the first; wrk asks it with the options."""
    ours, theirs, p99 = [], [], []
    for _ in range(rounds):
        theirs.append(wrk(static, seconds)[0])
        rate, tail = wrk(target, seconds, *options)
        ours.append(rate)
        p99.append(tail)
    return ours, theirs, p99


def wrk(url, seconds, *options):
    """Requests a second and p99 in ms of wrk with one thread and 64 connections; any failed request ends the benchmark."""
    text = run("wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", *options, url).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"bench: requests to {url} failed\n{text}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return rate, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def demo_config(path, source, *settings):
    """`lodestone init` in `path` for a source; returns the config file."""
    options = [f"--set={setting}" for setting in settings]
    run(LODESTONE, "init", path, "--source", source, *options)
    return path / "lodestone.yaml"
