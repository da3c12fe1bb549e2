"""What an OpenAPI document says of an API: right and wrong values for whatever it takes, and whether an answer is as it says."""
import json
import re
import string

# Text that is valid Unicode and not what anybody expects.
ODD_TEXTS = ["", " ", "a" * 300, "\u0000", "\r\nX: y", "../../etc/passwd", "%", "%00", "\u202e", "数据" * 40, "😀", "NaN", "null", "-0", "1e400", "' or 1=1 --",
             "<script>", "{}", "[]", "0x10", "1_000", "9" * 40]


class Document:
    def __init__(self, document):
        self.document = document

    def resolve(self, node):
        while "$ref" in node:
            at = self.document
            for name in node["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            node = at
        return node

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def parameters(self, operation):
        return [self.resolve(one) for one in operation.get("parameters", [])]

    def body_schema(self, operation):
        body = operation.get("requestBody")
        return body and body["content"]["application/json"]["schema"]

    # --- values ---

    def good(self, schema, rng, name="", depth=0):
        """A value that the schema allows. `name` is that of the member or parameter it is for."""
        schema = self.resolve(schema)
        if "oneOf" in schema:
            return self.good(rng.choice(schema["oneOf"]), rng, name, depth)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        kinds = schema.get("type", "string")
        kind = rng.choice(kinds) if isinstance(kinds, list) else kinds
        if kind == "null":
            return None
        if kind == "boolean":
            return rng.random() < 0.5
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", 0), schema.get("maximum", 10**6)
            return rng.choice([low, high, rng.randint(low, min(high, low + 1000)), rng.randint(low, high)])
        if kind == "array":
            n = rng.randint(schema.get("minItems", 0), min(schema.get("maxItems", 5), schema.get("minItems", 0) + 4))
            return [self.good(schema["items"], rng, name, depth + 1) for _ in range(n)]
        if kind == "object":
            required = schema.get("required", [])
            return {key: self.good(value, rng, key, depth + 1) for key, value in schema.get("properties", {}).items()
                    if key in required or rng.random() < 0.5}
        return self.good_text(schema, rng)

    def good_text(self, schema, rng):
        if schema.get("format") == "date-time":
            return rng.choice(["2026-11-24T09:30:00Z", "2026-11-24T09:30:00.123456+08:00", "1970-01-01T00:00:00Z"])
        low, high = schema.get("minLength", 0), schema.get("maxLength", 30)
        letters = string.ascii_letters + string.digits + ("" if "pattern" in schema else " _.-")
        return "".join(rng.choice(letters) for _ in range(rng.randint(max(low, 1), min(high, 30))))

    def bad(self, schema, rng):
        """A value that the schema forbids, of another type or out of its range; None when nothing is wrong for it."""
        schema = self.resolve(schema)
        wrong = [value for value in [-1, 0, 10**9, 2**63, 1.5, True, None, "x", [], {}, [1], {"a": 1}, *ODD_TEXTS, "a" * 5000]
                 if self.faults(value, schema)]
        return rng.choice(wrong) if wrong else None

    # --- answers ---

    def faults(self, value, schema, at="$"):
        """Sentences about where a value is not as the schema says."""
        schema = self.resolve(schema)
        if "oneOf" in schema:
            fitting = [one for one in schema["oneOf"] if not self.faults(value, one, at)]
            return [] if len(fitting) == 1 else [f"{at}: {len(fitting)} of oneOf fit"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{at}: {value!r} is none of {schema['enum']}"]
        kinds = schema.get("type")
        if kinds is not None:
            kinds = kinds if isinstance(kinds, list) else [kinds]
            if not any(is_kind(value, kind) for kind in kinds):
                return [f"{at}: {value!r} is no {' or '.join(kinds)}"]
        out = []
        if isinstance(value, str):
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9):
                out.append(f"{at}: a text of {len(value)}")
            if "pattern" in schema and not re.search(schema["pattern"], value):
                out.append(f"{at}: {value!r} does not match {schema['pattern']}")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                out.append(f"{at}: {value} is out of range")
        elif isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9):
                out.append(f"{at}: {len(value)} items")
            for i, one in enumerate(value):
                out += self.faults(one, schema.get("items", {}), f"{at}[{i}]")
        elif isinstance(value, dict):
            out += self.object_faults(value, schema, at)
        return out

    def object_faults(self, value, schema, at):
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        out = [f"{at}.{key} is missing" for key in schema.get("required", []) if key not in value]
        for key, one in value.items():
            if key in properties:
                out += self.faults(one, properties[key], f"{at}.{key}")
            elif more is False:
                out.append(f"{at}.{key} is not described")
            elif isinstance(more, dict):
                out += self.faults(one, more, f"{at}.{key}")
        return out

    def answer_faults(self, operation, status, content_type, body):
        """Where an answer of an operation is not what the document says of it."""
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"status {status} is not described"]
        content = self.resolve(described).get("content")
        if not content:
            return [f"{len(body)} bytes where none are described"] if body else []
        media = content_type.split(";")[0]
        if media not in content:
            return [f"content type {media} is not described for {status}"]
        if not media.endswith("json") or "schema" not in content[media]:
            return []
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"no JSON: {error}"]
        return self.faults(value, content[media]["schema"])


def is_kind(value, kind):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}[kind])
