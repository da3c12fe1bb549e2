#!/usr/bin/env python3
"""Rebuilds demo/catalog/*.jsonl.gz from copies of the two public catalogues (see the NOTICE files beside them).

make_catalog.py AWS_JSONL_GZ FIRSTDATA_JSONL_GZ writes demo/catalog/aws.jsonl.gz and demo/catalog/firstdata.jsonl.gz: one flat
object a line, sorted as the source is, gzip without time stamp, so that the same input gives the same bytes. The .yaml beside each
names the columns. Ids stay the ones of the source (text); five of them occur in both catalogues and name different records.
"""

import gzip
import json
import pathlib
import re
import sys
import urllib.parse

# MySQL's TEXT column holds 65,535 bytes; so many characters fit at any width, and what follows in the few longer ones (NASA's
# lists of hundreds of products) says nothing more about the data set.
DESCRIPTION_MAX = 16_000
OWNER_MAX = 200
TARGET = pathlib.Path(__file__).resolve().parent.parent / "demo" / "catalog"


def plain_link(text):
    """"[Met Office](address)" -> "Met Office"."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).strip()


def cut(text, limit):
    """The text, cut at the last paragraph, sentence or word that ends within the limit."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    for separator in ("\n\n", "\n", ". ", " "):
        at = head.rfind(separator)
        if at > limit // 2:
            return head[:at].rstrip()
    return head


def from_aws(row):
    return {
        "id": row["id"],
        "title": row["name"].strip(),
        "description": cut(row["description"].strip(), DESCRIPTION_MAX),
        "tags": row["tags"],
        "category": row["adx_categories"][0] if row["adx_categories"] else "",
        "owner": cut(plain_link(row["managed_by"]), OWNER_MAX),
        "update_frequency": row["update_frequency"].strip(),
        "license": row["license"].strip(),
        "resource_types": row["resource_types"],
        "usages": row["n_usages"],
    }


def from_firstdata(row):
    """The Chinese title leads; the description holds the Chinese text, the English title and the English text.

    The catalogue names no owner, so the host name of the source's site stands for it."""
    name, description = row["name"], row["description"]
    parts = [description.get("zh") or "", name["en"], description.get("en") or ""]
    return {
        "id": row["id"],
        "title": name.get("zh") or name["en"],
        "title_en": name["en"],
        "description": cut("\n\n".join(part.strip() for part in parts if part.strip()), DESCRIPTION_MAX),
        "tags": list(dict.fromkeys(row["tags"] + row["domains"])),
        "category": row["domains"][0] if row["domains"] else "",
        "owner": urllib.parse.urlsplit(row["website"]).hostname.removeprefix("www."),
        "authority_level": row["authority_level"],
        "country": row["country"] or "",
        "update_frequency": row["update_frequency"],
        "contents": (row["data_content"] or {}).get("zh") or [],
    }


def convert(source, target, convert_row):
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        rows = [convert_row(json.loads(line)) for line in lines if line.strip()]
    ids = [row["id"] for row in rows]
    if len(set(ids)) != len(ids):
        sys.exit(f"make_catalog: {source}: an id occurs twice; each must be unique within its catalogue")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    # The header by hand: gzip's own writes the time and the name.
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    print(f"{target.name}: {len(rows)} data sets, {len(text.encode())} bytes, {target.stat().st_size} packed")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    TARGET.mkdir(parents=True, exist_ok=True)
    convert(sys.argv[1], TARGET / "aws.jsonl.gz", from_aws)
    convert(sys.argv[2], TARGET / "firstdata.jsonl.gz", from_firstdata)


if __name__ == "__main__":
    main()
