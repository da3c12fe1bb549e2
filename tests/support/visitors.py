"""Visitors of a simulated marketplace: what each of them likes is in the truth file, which no server ever sees."""
import csv
import http.client
import json
import math
import random
from datetime import datetime, timezone

SHARES = (0.65, 0.25, 0.10)  # of a person's interest in their clusters, src/simulation/population.hpp


class Truth:
    """Users and items as src/simulation/walk.cpp has them, both counted from 0."""

    def __init__(self, file, source):
        truth = json.loads(file.read_text())
        with open(source / "dataset.csv", newline="") as rows:
            prices = {int(row["id"]): float(row["price"] or 0) for row in csv.DictReader(rows)}
        self.cluster = truth["items"]["cluster"]
        self.popularity = truth["items"]["popularity"]
        self.on_sale = [i for i, sold in enumerate(truth["items"]["on_sale"]) if sold]
        self.price = [prices.get(i + 1, 0) for i in range(len(self.cluster))]
        self.taste = truth["users"]["taste"]
        self.log_price = truth["users"]["log_price"]

    def fit(self, user, item):
        """Interest in the item's cluster times how well its price suits."""
        share = sum(s for s, cluster in zip(SHARES, self.taste[user]) if cluster == self.cluster[item])
        price = self.price[item]
        return share * (0.8 if price <= 0 else math.exp(-0.5 * (math.log(price) - self.log_price[user]) ** 2))

    def chance(self, user, item):
        """That he looks for it, in proportion, and buys it."""
        return self.fit(user, item) * self.popularity[item]


class Visitors:
    """They look at their list, further down less often, and click what suits them."""

    def __init__(self, truth, seed):
        self.truth, self.dice = truth, random.Random(seed)

    def clicks(self, user, items):
        """Places, from 1, that the user clicks."""
        return [place for place, item in enumerate(items, 1) if self.dice.random() < self.truth.fit(user, item - 1) / math.log2(place + 1)]

    def visit(self, port, users, visits):
        """Each user asks for a list that often and clicks; gives the share of shown items that were clicked."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        shown = clicked = 0
        for _ in range(visits):
            posted = []
            for user in users:
                answer = ask(connection, "GET", f"/recommend/user/{user + 1}?limit=10")
                items = [one["dataset_id"] for one in answer["recommendations"]]
                places = self.clicks(user, items)
                shown += len(items)
                clicked += len(places)
                at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                posted += [{"event_id": f"{answer['request_id']}:{place}", "kind": "click", "user_id": user + 1, "dataset_id": items[place - 1],
                            "at": at, "request_id": answer["request_id"], "position": place} for place in places]
                if len(posted) > 500:
                    ask(connection, "POST", "/events", posted)
                    posted = []
            if posted:
                ask(connection, "POST", "/events", posted)
        connection.close()
        return clicked / shown


def ask(connection, method, path, document=None):
    connection.request(method, path, None if document is None else json.dumps(document), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status not in (200, 202):
        raise AssertionError(f"{method} {path}: {answer.status} {body.decode()}")
    return json.loads(body)
