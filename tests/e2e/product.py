"""The product from the outside: its command line and its HTTP answers, for the end-to-end tests."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from servers import free_port, server  # noqa: E402

LODESTONE = Path(os.environ.get("LODESTONE", ROOT / "build/dev/lodestone"))


def call(*arguments, code=0, environment=None):
    """One run of the program; its exit code must be `code`. Gives stdout and stderr."""
    done = subprocess.run([str(LODESTONE), *map(str, arguments)], capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if done.returncode != code:
        raise AssertionError(f"lodestone {' '.join(map(str, arguments))}: exit {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")
    return done


def node():
    """The system's node, or the one that setup brought."""
    found = shutil.which("node")
    if found:
        return found
    brought = sorted((ROOT / "build").glob("**/bin/node"))
    if not brought:
        sys.exit("there is no node; ./run setup --test brings one")
    return brought[0]


# On a machine that is busy no list is to be another one because it took too long.
PATIENCE = {"serving.request_timeout_ms": "20000", "serving.ranking_timeout_ms": "20000"}


def init(folder, source, *settings, matomo=None):
    """lodestone init; gives the config file."""
    options = ["--matomo", matomo] if matomo else []
    for key, value in (PATIENCE | dict(setting.split("=", 1) for setting in settings)).items():
        options += ["--set", f"{key}={value}"]
    call("init", folder, "--source", source, *options)
    return folder / "lodestone.yaml"


def sql(config, query):
    """Rows of the lake as a list of objects."""
    return json.loads(call("-c", config, "sql", query, "--json").stdout)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Site:
    """A running server."""

    def __init__(self, port, admin_port, token, process=None):
        self.process, self.port = process, port
        self.base, self.admin_base, self.token = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}", token

    def get(self, path, headers=None, admin=False):
        return self._ask("GET", path, None, headers, admin)

    def post(self, path, document, admin=True):
        return self._ask("POST", path, json.dumps(document).encode(), {"Content-Type": "application/json"}, admin)

    def _ask(self, method, path, body, headers, admin):
        headers = dict(headers or {})
        if admin and self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request((self.admin_base if admin else self.base) + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())


@contextlib.contextmanager
def serve(config):
    port, admin_port = free_port(), free_port()
    token = (config.parent / "admin_token").read_text().strip()
    command = [LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin_port}"]
    with server(command, port, "lodestone serve", config.parent / "serve.log") as process:
        yield Site(port, admin_port, token, process)
