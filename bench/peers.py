"""What Gorse 0.5.11 was measured to do on MovieLens 100K (docs/peers.md), done by this program: every rating is bought, posted or asked for on
two cores that are shared with the load generator. Rates of answers stand beside nginx in the same rounds, as the peer's did; the other goals are its figures
times what is asked for."""
import csv
import gzip
import http.client
import json
import time
import urllib.request
from datetime import datetime, timezone

from support import LODESTONE, ROOT, demo_config, figure, folder, free_port, nginx, rounds_of, server, timed, wrk

DATA = ROOT.parent / "shared/data/ml-100k"
SECONDS = 4
# Events a second that the peer took, by events in a request, durable or not.
PEER_EVENTS = {1: 807, 100: 17_400, 1000: 35_600}
HOT = "/hot/trending?timeframe=7d"

POST = """
local n, at, made = {n}, "{at}", 0
request = function()
  local events = {{}}
  for i = 1, n do
    made = made + 1
    events[i] = string.format('{{"event_id":"{run}-%d","kind":"view","user_id":%d,"dataset_id":%d,"at":"%s"}}', made, made % 943 + 1, made % 1682 + 1, at)
  end
  return wrk.format("POST", "/events", {{["Content-Type"] = "application/json"}}, "[" .. table.concat(events, ",") .. "]")
end
"""


def table(name):
    with gzip.open(DATA / name, "rt", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0])
        writer.writeheader()
        writer.writerows(rows)


def make_source(source):
    """The data set as the tables of a marketplace: films on sale, each rating an order. Its newest rating happened a moment ago."""
    source.mkdir()
    ratings = table("ratings.tsv.gz")
    shift = int(time.time()) - 60 - max(int(row["timestamp"]) for row in ratings)

    def at(seconds):
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")

    begin = at(min(int(row["timestamp"]) for row in ratings) + shift)
    write(source / "dataset.csv", [
        {"id": row["item_id"], "dataset_name": row["title"] or "untitled", "description": "", "tag": row["genres"].replace(" ", ";"), "price": 1,
         "create_company_name": "", "type_id": "", "is_delete": 0, "create_time": begin, "update_time": begin} for row in table("items.tsv.gz")])
    write(source / "user.csv", [{"id": row["user_id"], "company_name": "", "province": "", "city": "", "is_consumption": 1, "create_time": begin}
                                for row in table("users.tsv.gz")])
    write(source / "order_tab.csv", [
        {"id": i, "dataset_id": row["item_id"], "create_user": row["user_id"], "price": 1, "pay_status": 1, "is_delete": 0,
         "create_time": at(int(row["timestamp"]) + shift)} for i, row in enumerate(ratings, 1)])


def start(config):
    port = free_port()
    return port, server([LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}"], port,
                        "lodestone", config.parent / "serve.log")


def ready(config):
    """Seconds from the start of the process until it is ready, and MiB it holds then beside the release's mapped files."""
    began = time.monotonic()
    port, running = start(config)
    with running as process:
        while True:
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").status == 200:
                    break
            except OSError:
                pass
            time.sleep(0.005)
        seconds = time.monotonic() - began
        held, mapped = 0, False
        with open(f"/proc/{process.pid}/smaps") as maps:
            for line in maps:
                first = line.split(None, 1)[0]
                if not first.endswith(":"):
                    mapped = "/bundles/" in line
                elif first == "Rss:" and not mapped:
                    held += int(line.split()[1])
    return seconds, held / 1024


def clicked(posted_to, user, asked=None):
    """Milliseconds from a click posted to a server's port until that visitor's list is another one, there or on the server of port `asked`."""
    connections = {port: http.client.HTTPConnection("127.0.0.1", port) for port in (posted_to, asked or posted_to)}

    def ask(method, path, document=None):
        connection = connections[posted_to if method == "POST" else asked or posted_to]
        connection.request(method, path, document and json.dumps(document), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())

    def listed():
        return [one["dataset_id"] for one in ask("GET", f"/recommend/user/{user}?limit=20")["recommendations"]]

    before = listed()
    at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    began = time.monotonic()
    ask("POST", "/events", [{"event_id": f"click-{user}-{began}", "kind": "click", "user_id": user, "dataset_id": before[10], "at": at}])
    while listed() == before:
        if time.monotonic() - began > 5:
            raise SystemExit(f"bench: a click of user {user} changes nothing")
    return (time.monotonic() - began) * 1000


def hidden(config, port):
    """Milliseconds from the moment that the rules name an item until it is gone."""
    def listed():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{HOT}") as answer:
            return [one["dataset_id"] for one in json.loads(answer.read())["items"]]

    item = listed()[0]
    written = config.parent / "rules.new"
    written.write_text(f"hide: [item_id={item}]\n")
    began = time.monotonic()
    written.rename(config.parent / "rules.yaml")
    while item in listed():
        if time.monotonic() - began > 5:
            raise SystemExit("bench: a hidden item stays")
    return (time.monotonic() - began) * 1000


def run(rounds, quick):
    if not DATA.exists():
        print("bench: peers skipped: the data set ml-100k is not beside this repository")
        return
    seconds = 1 if quick else SECONDS
    with folder() as path:
        make_source(path / "source")
        config = demo_config(path / "site", f"files:{path}/source", "serving.threads=2", "log.level=warn", "serving.events_per_second=0",
                             "serving.queue_delay_ms=0")
        walls, cpus, peaks = [], [], []
        for _ in range(rounds):
            wall, peak, _, cpu = timed(LODESTONE, "-c", config, "pipeline", "run", "--full", with_cpu=True)
            walls.append(wall), cpus.append(cpu), peaks.append(peak)
        yield figure("peers_lists", walls, "s", most=5)
        yield figure("peers_lists_cpu", cpus, "CPU s", most=10)
        yield figure("peers_lists_memory", peaks, "MiB", most=316)
        starts = [ready(config) for _ in range(rounds)]
        yield figure("peers_ready", [one[0] for one in starts], "s", most=1)
        yield figure("peers_ready_memory", [one[1] for one in starts], "MiB", most=60)
        port, running = start(config)
        with running:
            base = f"http://127.0.0.1:{port}"
            for name, target, goal in (("peers_user_10", "/recommend/user/100?limit=10", 0.3), ("peers_similar_10", "/similar/100?limit=10", 0.8),
                                       ("peers_popular", HOT + "&limit=10", 1.0)):
                body = urllib.request.urlopen(base + target).read()
                (path / name).mkdir()
                with nginx(path / name, body) as static:
                    ours, theirs, p99 = rounds_of(base + target, static, rounds, seconds)
                yield figure(name, ours, "req/s", theirs, ratio_goal=goal)
                yield figure(name + "_p99", p99, "ms")
            yield figure("peers_click", [clicked(port, user) for user in range(1, rounds + 1)], "ms", most=1000)
            yield figure("peers_hide", [hidden(config, port) for _ in range(rounds)], "ms", most=10)
            for n, peer in PEER_EVENTS.items():
                rates = []
                for round_ in range(rounds):
                    script = path / "post.lua"
                    at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
                    script.write_text(POST.format(n=n, at=at, run=f"{n}-{round_}"))
                    rates.append(n * wrk(base, seconds, "-s", script)[0])
                yield figure(f"peers_events_by_{n}", rates, "events/s", least=3 * peer)
