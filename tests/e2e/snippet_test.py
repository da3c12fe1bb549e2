"""Runs snippet_test.mjs in headless Chromium, then follows what one visit sent to Matomo into the lake's events.

Stood in for: matomo.php, which turns a request into rows. `record` writes the rows that it would, into a real MariaDB; the custom
dimension has another number in the requests (its id) than as a column (its index), as in a Matomo with older dimensions.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import ROOT, call, init, node, serve, sql  # noqa: E402
from servers import folder, mariadb  # noqa: E402

REQUEST = "req_5abb7154-da65-4911-9e5f-8d3d35193541"
FIRST = 900_000_000  # above every number of the simulation
AT = "2026-10-31 12:00:00"


def quoted(text):
    return "NULL" if text is None else "'" + str(text).replace("\\", "\\\\").replace("'", "''") + "'"


def record(visit, index):
    """The SQL of the rows that matomo.php writes for the requests of one visitor."""
    actions = {}

    def action(text, kind):
        return "NULL" if text is None else actions.setdefault((text, kind), FIRST + len(actions))

    links = []
    for number, hit in enumerate(visit["hits"]):
        visitor = f"UNHEX('{hit['_id']}')"
        # Kinds of log_action: 1 address, 4 title, 10 category, 11 action, 12 name of an event.
        name = action(hit["e_n"], 12) if "e_n" in hit else action(hit["action_name"], 4)
        links.append(f"({FIRST + number}, 1, {visitor}, {FIRST}, '{AT}', {name}, {action(hit['url'].split('://')[1], 1)}, {action(hit.get('e_a'), 11)}, "
                     f"{action(hit.get('e_c'), 10)}, {hit.get('e_v', 'NULL')}, {quoted(hit.get('dimension%d' % visit['dimension']))})")
    names = ", ".join(f"({number}, {quoted(text)}, {kind})" for (text, kind), number in actions.items())
    return (f"INSERT INTO matomo_log_visit (idvisit, idsite, idvisitor, visit_first_action_time, visit_last_action_time) VALUES ({FIRST}, 1, {visitor}, '{AT}', '{AT}'); "
            f"INSERT INTO matomo_log_action (idaction, name, type) VALUES {names}; "
            "INSERT INTO matomo_log_link_visit_action (idlink_va, idsite, idvisitor, idvisit, server_time, idaction_name, idaction_url, idaction_event_action, "
            f"idaction_event_category, custom_float, custom_dimension_{index}) VALUES {', '.join(links)}")


def follow(path, visit):
    """The visit's rows in the databases, and what the lake's events say of them."""
    with mariadb(path) as port:
        business, matomo = (f"mysql://root@127.0.0.1:{port}/{name}" for name in ("dianshu_backend", "matomo"))
        call("simulate", "--to", business, "--matomo", matomo, "--items", 60, "--users", 40, "--events", 2000, "--days", 30, "--seed", 3,
             "--end", "2026-11-01T00:00:00Z")
        client = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot", "--default-character-set=utf8mb4", "-N", "-B", "-e"]
        ids = subprocess.run([*client, "SELECT COUNT(*) FROM dianshu_backend.dataset WHERE id = 7"], capture_output=True, text=True, check=True)
        assert ids.stdout.strip() == "1", "the simulated marketplace has data set 7"
        done = subprocess.run([*client, "USE matomo; " + record(visit, 3)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        config = init(path / "site", business, "source.request_dimension=3", matomo=matomo)
        call("-c", config, "pipeline", "run")
        found = sql(config, f"SELECT kind, item_id, request_id, position, visitor_id FROM events WHERE session_id = '{FIRST}' ORDER BY kind")
        with serve(config) as site:
            script = site.get("/snippet.js")
    visitor = visit["hits"][0]["_id"]
    wanted = [{"kind": kind, "item_id": 7, "request_id": REQUEST, "position": 2, "visitor_id": visitor} for kind in ("click", "view")]
    assert found == wanted, f"events of the visit:\n{found}\nexpected:\n{wanted}"
    assert script.body == (ROOT / "build/web/lodestone-snippet.js").read_bytes(), "the program serves the snippet that was tested"


with folder() as path:
    hits = path / "hits.json"
    done = subprocess.run([str(node()), str(ROOT / "tests/e2e/snippet_test.mjs")], env={**os.environ, "HITS": str(hits)}, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)
    follow(path, json.loads(hits.read_text()))
