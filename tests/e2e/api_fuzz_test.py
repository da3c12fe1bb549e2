"""The public port against its own description: right and wrong values for whatever /openapi.json says that it takes. Nothing is a 5xx, and every status, content
type and body is described; a refusal names the parameter."""
import http.client
import json
import random
import string
import sys
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from api_document import ODD_TEXTS, Document  # noqa: E402
from product import call, init, serve  # noqa: E402
from servers import folder  # noqa: E402

ROUNDS = 60  # of each operation, for each kind of request
FILTERS = ["", "price<=10", 'category="weather" or not price>5', "item_id in (1,2,3)", 'title has "data"']
# What any path may answer before its operation is asked, described once for all in docs/http-api.md.
OF_THE_PORT = {400, 404, 405, 408, 413, 414, 415, 431, 501, 505}


def encoded(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(encoded(one) for one in value)
    return str(value)


class ApiFuzz(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = folder()
        cls.path = cls.manager.__enter__()
        call("simulate", "--to", f"files:{cls.path}/source", "--items", 60, "--users", 40, "--events", 1500, "--seed", 3)
        config = init(cls.path / "site", f"files:{cls.path}/source", "serving.demo_page=true", "serving.events_per_second=0")
        call("-c", config, "pipeline", "run")
        cls.server = serve(config)
        cls.site = cls.server.__enter__()
        cls.document = Document(cls.site.get("/openapi.json").json())

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.manager.__exit__(None, None, None)

    def setUp(self):
        self.rng = random.Random(self.id())
        self.connection = http.client.HTTPConnection(self.site.base.removeprefix("http://"), timeout=20)
        self.addCleanup(self.connection.close)

    def ask(self, method, target, body=None, headers=None):
        try:
            self.connection.request(method, target, body, headers or {})
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.fail(f"{method} {target[:300]} {headers}: the server hung up without an answer")
        return answer.status, answer.headers, answer.read()

    def check(self, operation, what, status, headers, body):
        """Never a fault of ours, and as described."""
        self.assertLess(status, 500, f"{what}: {body!r}")
        if status >= 400:
            self.assertEqual(headers["Content-Type"], "application/problem+json", what)
            problem = json.loads(body)
            self.assertEqual(self.document.faults(problem, {"$ref": "#/components/schemas/Problem"}), [], what)
            self.assertEqual(problem["status"], status, what)
        if status in OF_THE_PORT and str(status) not in operation["responses"]:
            return
        self.assertEqual(self.document.answer_faults(operation, status, headers.get("Content-Type", ""), body), [], what)

    def good_value(self, parameter):
        if parameter["name"] == "filter":
            return self.rng.choice(FILTERS)
        if parameter["name"] == "dataset_id" and self.rng.random() < 0.8:
            return self.rng.randint(1, 60)
        return self.document.good(parameter["schema"], self.rng, parameter["name"])

    def target(self, path, parameters, change=None):
        """An address with good values; `change` maps a name to what stands there instead, as text."""
        change = change or {}
        query = []
        for one in parameters:
            given = change.get(one["name"])
            value = encoded(self.good_value(one)) if given is None else given
            if one["in"] == "path":
                path = path.replace("{" + one["name"] + "}", urllib.parse.quote(value, safe=""))
            elif one["in"] == "query" and (given is not None or self.rng.random() < 0.5):
                query.append((one["name"], value))
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def good_body(self, schema):
        body = self.document.good(schema, self.rng)
        if isinstance(body, dict):  # what the schema cannot say: names are unique, a data set belongs to similar and to nothing else, filters have a grammar
            for i, slot in enumerate(body["slots"]):
                slot["name"] = f"{i}{slot['name']}"[:64]
                slot.pop("dataset_id", None)
                if slot["kind"] == "similar":
                    slot["dataset_id"] = self.rng.randint(1, 60)
                if "filter" in slot:
                    slot["filter"] = self.rng.choice(FILTERS)
                if "limit" in slot and slot["kind"] != "trending":
                    slot["limit"] = min(slot["limit"], 50)
        return body

    def test_right_values_are_taken(self):
        for path, method, operation in self.document.operations():
            parameters, schema = self.document.parameters(operation), self.document.body_schema(operation)
            for _ in range(ROUNDS):
                target = self.target(path, parameters)
                body = json.dumps(self.good_body(schema)) if schema else None
                headers = {"Content-Type": "application/json"} if schema else {}
                status, got, answer = self.ask(method, target, body, headers)
                what = f"{method} {target} {body}"
                self.check(operation, what, status, got, answer)
                self.assertIn(status, (200, 202, 404), f"{what}: {answer!r}")

    def test_a_wrong_value_is_refused_by_its_name(self):
        for path, method, operation in self.document.operations():
            parameters, schema = self.document.parameters(operation), self.document.body_schema(operation)
            for one in parameters:
                if one["in"] == "header":
                    continue
                for _ in range(ROUNDS):
                    wrong = self.document.bad({**self.document.resolve(one["schema"]), **({"type": "string"} if one["name"] == "filter" else {})}, self.rng)
                    text = encoded(wrong)
                    if wrong is None or self.is_right(one, text) or (one["in"] == "path" and text == ""):
                        continue
                    target = self.target(path, parameters, {one["name"]: text})
                    body = json.dumps(self.good_body(schema)) if schema else None
                    status, got, answer = self.ask(method, target, body, {"Content-Type": "application/json"} if schema else {})
                    what = f"{method} {target[:200]}"
                    self.check(operation, what, status, got, answer)
                    if status == 414:
                        continue
                    self.assertEqual(status, 422, f"{what}: {answer[:300]!r}")
                    self.assertEqual(json.loads(answer).get("parameter"), one["name"], what)

    def is_right(self, parameter, text):
        """Whether the text, as it stands in an address, is what the parameter takes after all."""
        schema = self.document.resolve(parameter["schema"])
        try:
            if schema.get("type") == "integer":
                return not self.document.faults(int(text), schema) and text.strip("-").isdigit() and text.isascii()
        except ValueError:
            return False
        if schema.get("type") == "array":
            return text == "" or all(part.strip("-").isdigit() for part in text.split(","))
        if schema.get("type") == "boolean":
            return text in ("true", "false")
        return not self.document.faults(text, schema) and text.isprintable()

    def test_unknown_and_repeated_parameters_are_refused(self):
        for path, method, operation in self.document.operations():
            parameters, schema = self.document.parameters(operation), self.document.body_schema(operation)
            body, headers = ("[]", {"Content-Type": "application/json"}) if schema else (None, {})
            name = "".join(self.rng.choice(string.ascii_lowercase) for _ in range(8))
            target = self.target(path, [one for one in parameters if one["in"] == "path"])
            status, got, answer = self.ask(method, f"{target}?{name}=1", body, headers)
            self.check(operation, target, status, got, answer)
            self.assertEqual((status, json.loads(answer)["parameter"]), (422, name), target)
            for one in parameters:
                if one["in"] != "query":
                    continue
                value = urllib.parse.quote(encoded(self.document.good(one["schema"], self.rng)))
                status, got, answer = self.ask(method, f"{target}?{one['name']}={value}&{one['name']}={value}", body, headers)
                self.check(operation, target, status, got, answer)
                self.assertEqual((status, json.loads(answer)["parameter"]), (422, one["name"]), target)

    def test_other_methods_are_refused_with_those_that_are_taken(self):
        for path, method, operation in self.document.operations():
            target = self.target(path, [one for one in self.document.parameters(operation) if one["in"] == "path"])
            for other in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"):
                if other.lower() in self.document.document["paths"][path]:
                    continue
                status, headers, answer = self.ask(other, target, b"{}")
                self.assertEqual(status, 405, f"{other} {target}: {answer!r}")
                self.assertIn(method, headers["Allow"])

    def test_bodies_of_any_kind_are_answered(self):
        for path, method, operation in self.document.operations():
            schema = self.document.body_schema(operation)
            if not schema:
                continue
            for _ in range(4 * ROUNDS):
                body = self.damaged(json.dumps(self.good_body(schema), ensure_ascii=self.rng.random() < 0.5), schema)
                kind = self.rng.choice(["application/json", "application/json; charset=utf-8", "text/plain", "", "x"])
                status, got, answer = self.ask(method, path, body, {"Content-Type": kind})
                self.check(operation, f"{method} {path} {kind} {body[:300]!r}", status, got, answer)
                if kind in ("text/plain", "x"):
                    self.assertEqual(status, 415)

    def damaged(self, text, schema):
        """The body with something wrong somewhere: bytes, a member's value, its shape."""
        choice = self.rng.randrange(5)
        data = bytearray(text.encode())
        if choice == 0:
            for _ in range(self.rng.randint(1, 5)):
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
            return bytes(data)
        if choice == 1:
            return bytes(data[: self.rng.randrange(len(data))])
        if choice == 2:
            return json.dumps(self.document.bad(schema, self.rng)).encode()
        if choice == 3:
            return b"[" * self.rng.choice([10, 1000, 100000])
        return self.with_wrong_member(json.loads(text)).encode()

    def with_wrong_member(self, value):
        places = []

        def walk(node):
            for key in node if isinstance(node, dict) else range(len(node)):
                places.append((node, key))
                if isinstance(node[key], (dict, list)):
                    walk(node[key])

        walk(value)
        if places:
            node, key = self.rng.choice(places)
            node[key] = self.rng.choice([None, True, -1, 2**63, 2**70, 1e308, "", [], {}, [[]], *ODD_TEXTS])
        return json.dumps(value)

    def test_headers_of_any_kind_are_answered(self):
        names = ["X-Request-ID", "If-None-Match", "User-Agent", "Accept-Language", "X-Client-App", "X-API-Key", "Origin", "Authorization", "Accept", "Cookie",
                 "traceparent", "Range", "If-Modified-Since", "X-Forwarded-For", "Accept-Encoding"]
        for path, method, operation in self.document.operations():
            if method != "GET":
                continue
            for _ in range(ROUNDS):
                target = self.target(path, self.document.parameters(operation))
                headers = {name: "".join(chr(self.rng.choice([*range(0x20, 0x7f), *range(0xa0, 0xff)])) for _ in range(self.rng.choice([0, 3, 40, 300])))
                           for name in self.rng.sample(names, 4)}
                status, got, answer = self.ask(method, target, None, headers)
                self.check(operation, f"{target} {headers}", status, got, answer)
                self.assertRegex(got["X-Request-ID"], "^req_[A-Za-z0-9-]{8,64}$")

    def test_addresses_of_any_kind_are_answered(self):
        paths = [path for path, _, _ in self.document.operations()]
        allowed = string.ascii_letters + string.digits + "/?&=%.-_~+:;,@!$'()*{}|^`\"<>[]\\"
        for _ in range(10 * ROUNDS):
            start = self.rng.choice(paths + ["/"])
            target = start + "".join(self.rng.choice(allowed) for _ in range(self.rng.choice([1, 5, 40])))
            try:
                status, headers, answer = self.ask(self.rng.choice(["GET", "HEAD", "POST"]), target)
            except http.client.InvalidURL:
                continue
            self.assertLess(status, 500, f"{target}: {answer!r}")
            if headers.get("Connection") == "close":
                self.connection.close()


if __name__ == "__main__":
    unittest.main()
