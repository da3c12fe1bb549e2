#!/usr/bin/env python3
"""Prints "N passed, N failed" (", N skipped" if any) for a run of ctest, and fails when a test failed or none ran.

test_summary.py FOLDER reads FOLDER/ctest.xml (ctest --output-junit) and, for each ctest test NAME that is a GoogleTest binary,
FOLDER/NAME_test.xml (GTEST_OUTPUT). A binary counts with each of its cases; any other test counts once. A binary that failed
although none of its cases did (a crash, a time-out, a leak at exit) counts as one more failure. Each case that failed is named with
what its first check said, so that the end of a long run tells what to look at.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(path):
    """Passed, failed and skipped cases of a GoogleTest result with what the failed ones said; nothing when it was not written or
    not finished."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    said = []
    try:
        root = ElementTree.parse(path).getroot()
    except (FileNotFoundError, ElementTree.ParseError):
        return None, said
    for case in root.iter("testcase"):
        if case.get("status") == "notrun" or case.get("result") == "suppressed":
            continue  # left out by a filter
        failure = case.find("failure")
        if failure is not None:
            counts["failed"] += 1
            said.append(f"{case.get('classname')}.{case.get('name')}: {' '.join(failure.get('message', '').split())[:300]}")
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            counts["skipped"] += 1
        else:
            counts["passed"] += 1
    return counts, said


def outcome(case):
    """What ctest says of one test. A test whose program is missing is "not run" there and a failure here."""
    status = case.get("status")
    if status == "run":
        return "passed"
    skipped = case.find("skipped")
    if status == "disabled" or (skipped is not None and skipped.get("message", "").startswith("SKIP_")):
        return "skipped"
    return "failed"


def summarize(folder):
    """Counts over all tests, and the names of those that failed, each followed by its cases that did."""
    total = {"passed": 0, "failed": 0, "skipped": 0}
    failed = []
    for test in ElementTree.parse(folder / "ctest.xml").getroot().iter("testcase"):
        name, result = test.get("name"), outcome(test)
        cases, said = cases_of(folder / f"{name}_test.xml")
        if result == "failed":
            failed.extend([name, *(f"{name}: {line}" for line in said)])
        if cases is None or not sum(cases.values()):
            total[result] += 1
            continue
        if result == "failed" and not cases["failed"]:
            cases["failed"] = 1
        for key, count in cases.items():
            total[key] += count
    return total, failed


def main():
    folder = pathlib.Path(sys.argv[1])
    if not (folder / "ctest.xml").exists():
        print("test_summary: ctest wrote no result; what it said is above", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    total, failed = summarize(folder)
    for name in failed:
        print(f"failed: {name}")
    if not sum(total.values()):
        print("test_summary: no test ran", file=sys.stderr)
    line = f"{total['passed']} passed, {total['failed']} failed"
    print(line + (f", {total['skipped']} skipped" if total["skipped"] else ""))
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
