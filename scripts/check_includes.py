#!/usr/bin/env python3
"""Checks the architecture over #include lines, and the lengths of files: check_includes.py [ROOT].

Prints one line per fault with its way out, warnings for files over the wanted length, and fails when there is a fault. The two tables
below are the rules; docs/architecture.md tells why. A folder of src without a row is a fault, so that a new one is thought about.
"""

import pathlib
import re
import sys

# What a folder may include besides itself: a folder (with all below it), or one header. The longest matching folder is the row.
MAY_INCLUDE = {
    "base": [],
    "metrics": ["base"],
    "table": ["base"],
    "http": ["base", "metrics"],
    "cache": ["base", "metrics"],
    "sources": ["base", "metrics", "table"],
    "lake": ["base", "metrics", "table", "http/client", "sources/change.hpp"],
    "quality": ["base", "metrics", "table", "lake/reader.hpp", "http/client"],
    "events": ["base", "table", "lake/reader.hpp"],
    "features": ["base"],
    "features/build": ["base", "table", "lake/reader.hpp", "features"],
    "models": ["base", "features"],
    "training": ["base", "table", "features", "models", "events/sample.hpp"],
    "bundle": ["base", "features", "models"],
    "engine": ["base", "features", "models"],
    "evaluation": ["base", "table", "engine", "bundle", "models", "events/sample.hpp"],
    "serving": ["base", "metrics", "http", "cache", "engine", "bundle"],
    "simulation": ["base", "table", "sources"],
}
# Folders of the core that a parent's row does not cover: "features" means the core without its builders.
APART = ["features/build"]
# These may include all of src.
OPEN_ROOTS = ["apps", "tests", "bench", "fuzz"]

# Third-party headers (prefix of the name in angle brackets) and the one folder whose .cpp files may include them.
THIRD_PARTY = {
    "boost/json": ["base"],
    "boost/asio": ["http", "cache"],
    "boost/beast": ["http"],
    "boost/math": ["evaluation"],
    "boost/": ["http"],
    "openssl/": ["base"],
    "spdlog/": ["base"],
    "yaml-cpp/": ["base"],
    "zlib.h": ["base", "lake", "sources"],  # files read whole; CSV files read as a stream; events and columns of a binary log
    "xxhash.h": ["base"],
    "duckdb.h": ["table"],
    "sqlite3.h": ["table"],
    "curl/": ["http"],
    "mysql": ["sources", "bench"],  # a benchmark's baseline is the client library alone
    "mariadb": ["sources", "bench"],
    "errmsg.h": ["sources"],
    "unicode/": ["features"],
    "cblas.h": ["training", "bench"],  # a benchmark's baseline is LAPACK alone
    "LightGBM/": ["training", "bench"],  # a benchmark's baseline is the library alone
    "faiss/": ["evaluation"],  # an option of the build, to compare our index with
    "omp.h": ["evaluation"],  # Faiss's threads
    "hnswlib/": ["bench"],
    "CLI/": ["apps"],
}
ANYWHERE = ("fmt/", "absl/")
# Headers (not only .cpp files) of these folders may name these.
IN_HEADERS = {"boost/asio": ["http", "cache"]}
IN_TESTS = ("gtest/", "gmock/")
# POSIX and Linux; the names without a dot or slash are the standard library's.
SYSTEM = re.compile(r"^((sys|arpa|netinet|linux|net)/[\w/]+\.h|(dirent|fcntl|poll|pthread|sched|signal|spawn|unistd|netdb|dlfcn|fnmatch"
                    r"|immintrin|malloc|glob|execinfo|iconv)\.h|[a-z_0-9]+)$")

SOURCE_WANTED, HEADER_WANTED, LIMIT = 400, 200, 600
INCLUDE = re.compile(r'^\s*#\s*include\s*(<([^>]+)>|"([^"]+)")')


def row_of(place):
    """The row that holds for a path below src, or None."""
    parts = place.split("/")[:-1]
    while parts:
        if "/".join(parts) in MAY_INCLUDE:
            return "/".join(parts)
        parts.pop()
    return None


def within(place, allowed):
    """Whether a header below src lies in an allowed folder or is the allowed header."""
    if place == allowed:
        return True
    if not place.startswith(allowed + "/"):
        return False
    return not any(place.startswith(apart + "/") and not (allowed + "/").startswith(apart + "/") for apart in APART)


def is_test(path):
    return path.name.endswith(("_test.cpp", "_test.hpp", "_fixture.hpp"))


def check_ours(name, path, place, root):
    """Faults of an include in quotes. `place` is the including file below src, or None for apps, tests, bench and fuzz."""
    if name.startswith(("apps/", "bench/", "fuzz/", "tests/")):
        if place is not None and not is_test(path):
            return f'includes "{name}"; only tests may'
        return None if (root / name).exists() else f'includes "{name}", which does not exist'
    if place is None and (path.parent / name).exists():
        return None
    if not (root / "src" / name).exists():
        return f'includes "{name}", which does not exist below src (write the path from there, as in "base/error.hpp")'
    row = row_of(place) if place and not is_test(path) else None
    if row is None:
        return None  # free to include all of ours, or a folder without a row, which check_file says
    if within(name, row) or any(within(name, allowed) for allowed in MAY_INCLUDE[row]):
        return None
    return f'includes "{name}", but {row} may include {", ".join(MAY_INCLUDE[row]) or "nothing of ours"} only'


def check_third_party(name, path, place, top):
    """Faults of an include in angle brackets. `top` is the first folder below the root for files outside src."""
    if SYSTEM.match(name) or name.startswith(ANYWHERE):
        return None
    if name.startswith(IN_TESTS):
        return None if is_test(path) or top == "tests" else f"includes <{name}>; only tests may"
    if is_test(path):
        return None  # a test makes its own inputs
    known = [prefix for prefix in THIRD_PARTY if name.startswith(prefix)]
    if not known:
        return f"includes <{name}>, which no row of scripts/check_includes.py names; add its library to one folder there"
    prefix = max(known, key=len)
    folders = THIRD_PARTY[prefix]
    folder = place.split("/")[0] if place else top
    if folder not in folders:
        return f'includes <{name}>, which belongs to {" and ".join(folders)} alone; go through a header of that folder'
    if path.suffix == ".hpp" and place and folder not in IN_HEADERS.get(prefix, []):
        return f"is a header and includes <{name}>; third-party headers stay in .cpp files"
    return None


def check_file(path, root):
    """(faults, warnings) of one file, each a sentence without the file's name."""
    relative = path.relative_to(root)
    top = relative.parts[0]
    place = str(relative.relative_to("src")) if top == "src" else None
    lines = path.read_text(encoding="utf-8").splitlines()
    faults, warnings = [], []
    wanted = HEADER_WANTED if path.suffix == ".hpp" else SOURCE_WANTED
    if len(lines) > LIMIT:
        faults.append(f"has {len(lines)} lines, {LIMIT} are allowed; split it")
    elif len(lines) > wanted:
        warnings.append(f"has {len(lines)} lines, {wanted} are wanted")
    if path.suffix == ".hpp" and not any(line.strip() == "#pragma once" for line in lines):
        faults.append("has no #pragma once")
    if place and row_of(place) is None:
        faults.append("lies in a folder that has no row in scripts/check_includes.py; add one, and the folder to docs/architecture.md")
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        fault = check_ours(match[3], path, place, root) if match[3] else check_third_party(match[2], path, place, top)
        if fault:
            faults.append(f"line {number} {fault}")
    return faults, warnings


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    files = sorted(path for top in ["src", *OPEN_ROOTS] for path in (root / top).rglob("*.[ch]pp"))
    n_faults = 0
    for path in files:
        faults, warnings = check_file(path, root)
        n_faults += len(faults)
        for sentence in faults:
            print(f"{path.relative_to(root)}: {sentence}")
        for sentence in warnings:
            print(f"warning: {path.relative_to(root)}: {sentence}")
    if not files:
        print(f"check_includes: there is no .cpp or .hpp below {root}/src", file=sys.stderr)
        return 1
    print(f"check_includes: {len(files)} files, {n_faults} faults")
    return 1 if n_faults else 0


if __name__ == "__main__":
    sys.exit(main())
