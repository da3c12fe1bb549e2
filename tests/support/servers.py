"""Real servers for tests and benchmarks: private, on loopback, ended by pid."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


def run(*command, **options):
    """Runs to the end; output only when it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def folder():
    path = Path(tempfile.mkdtemp(prefix="lodestone-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def wait_for_port(port, process, what):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"{what} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise SystemExit(f"{what} does not listen on {port} after 30 s")


@contextlib.contextmanager
def server(command, port, what, log):
    with open(log, "w") as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for_port(port, process, what)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def mariadb(path, *options, log_options=("--skip-log-bin",), port=None):
    """A private MariaDB below `path`, with further options; yields its port. Root without a password, loopback only. A second one below the
    same path goes on with the data of the first."""
    data = path / "mariadb"
    user = ["--user=root"] if os.geteuid() == 0 else []
    if not data.exists():
        run("mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--tmpdir={path}", *user, "--auth-root-authentication-method=normal", "--skip-test-db")
    port = port or free_port()
    # A server that starts removes all #sql* from its folder of temporary tables, also those of another server, which then crashes.
    command = ["mariadbd", "--no-defaults", *user, f"--datadir={data}", f"--tmpdir={path}", f"--socket={path}/s", f"--port={port}", "--bind-address=127.0.0.1",
               f"--pid-file={path}/pid", "--innodb-flush-log-at-trx-commit=0", *log_options, "--innodb-buffer-pool-size=512M",
               "--max-allowed-packet=64M", *options]
    binary = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    with server([binary, *command[1:]], port, "MariaDB", path / "mariadb.log"):
        yield port


@contextlib.contextmanager
def redis(*options, port=None):
    """A private Redis that writes nothing to the disk; yields its port and process."""
    port = port or free_port()
    with folder() as path:
        command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", path, *options]
        with server(command, port, "Redis", path / "redis.log") as process:
            yield port, process
