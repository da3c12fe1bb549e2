"""What schemathesis must know of this API beside its document: texts that have a grammar, and what a refusal owes the caller."""
import json

import schemathesis
from hypothesis import strategies as st

FILTERS = ["", "price<=10", 'category="weather" or not price>5', "item_id in (1,2,3)", 'title has "data"']
schemathesis.openapi.format("filter", st.sampled_from(FILTERS))


@schemathesis.hook
def map_body(context, body):
    """Names of slots differ, which no schema can say."""
    slots = body.get("slots") if isinstance(body, dict) else None
    if isinstance(slots, list) and all(isinstance(slot, dict) and isinstance(slot.get("name"), str) for slot in slots):
        if len({slot["name"] for slot in slots}) < len(slots):
            return {**body, "slots": [{**slot, "name": f"{i}{slot['name']}"[:64]} for i, slot in enumerate(slots)]}
    return body


@schemathesis.check
def refusal_names_the_parameter(ctx, response, case):
    """A 422 for one wrong parameter is about that one."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_negative:
        return
    data = case.meta.phase.data
    where = getattr(data.parameter_location, "name", "")
    if data.parameter and where in ("PATH", "QUERY") and len(data.mutations) <= 1:
        named = json.loads(response.content).get("parameter")
        assert named == data.parameter, f"{data.parameter} is wrong ({data.description}), and the refusal names {named}"
