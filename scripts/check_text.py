#!/usr/bin/env python3
"""Checks the texts of the repository: check_text.py [--binary LODESTONE] [ROOT].

No path of a developer's machine, no host of a package registry, nothing that looks like a secret, no work left over without an issue
number, no test switched off, no tracked file over 2 MiB. With --binary, the documents that the program generates are compared with
what it prints now. Prints one line per fault with its way out and fails when there is one.
"""

import pathlib
import re
import subprocess
import sys

# Written so that no pattern matches itself.
RULES = [
    (re.compile(r"(?<![\w.:/-])/(?:root|home/\w+|Users/\w+)/\w"), "a path of one machine; write it relative to the repository"),
    (re.compile(r"\b(?:registry[.]npmjs|registry[.]yarnpkg|pypi[.]org|files[.]pythonhosted|npmmirror[.]com|proxy[.]golang|deb[.]debian|crates[.]io)"),
     "the host of a package registry; name the package, not the place"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KE[Y]|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bxox[abpr]-\w{10}|\bglpat-[\w-]{20}"),
     "something that looks like a secret; take it out and make it void"),
    (re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X)\b(?!\(#\d+\))"), "work left over without an issue number; write it as (#N) after the word, or do it"),
]
# Words of unfinished work, where the product is ("Not Implemented", with both capitals, is HTTP's 501).
UNFINISHED = re.compile(r"\b(?:[Nn]ot impl[e]mented|[Uu]nimpl[e]mented|(?<![:-])[Pp]lace[h]older(?!=|\x22|-shown)|[Dd][u]mmy)\b")
UNFINISHED_FOLDERS = ("src/", "apps/", "web/", "deploy/", "scripts/", "sql/")
SWITCHED_OFF = re.compile(r"DIS[A]BLED_|\b(?:it|test)[.]sk[i]p\b|EXPECT_TRUE\(tr[u]e\)|ASSERT_TRUE\(tr[u]e\)|@unittest[.]sk[i]p\b")
SIZE_LIMIT = 2 << 20

# Generated documents: file, and the arguments that print it.
GENERATED = [("docs/config.md", ["config", "--markdown"]), ("docs/features.md", ["features", "list", "--markdown"])]


def tracked_files(root):
    """Files that git tracks or would track."""
    names = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"], check=True, capture_output=True).stdout
    return [name for name in names.decode().split("\0") if name and (root / name).is_file()]


def faults_of_text(name, text, root):
    """Sentences "line N: ..." about one file."""
    own_path = str(root) + "/"
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, sentence in RULES:
            match = pattern.search(line)
            if match:
                yield f'line {number}: "{match[0]}" is {sentence}'
        if own_path in line:
            yield f"line {number}: names the folder that this clone lies in; write the path relative to the repository"
        if name.startswith(UNFINISHED_FOLDERS):
            match = UNFINISHED.search(line)
            if match:
                yield f'line {number}: "{match[0]}" is a word of unfinished work; finish it, or say what it does'
        match = SWITCHED_OFF.search(line)
        if match:
            yield f'line {number}: "{match[0]}" switches a test off or asserts nothing'


def faults_of_file(name, root):
    content = (root / name).read_bytes()
    if len(content) > SIZE_LIMIT:
        yield f"has {len(content)} bytes, {SIZE_LIMIT} are allowed; keep large data outside the repository"
    if b"\0" in content[:8000]:
        return
    yield from faults_of_text(name, content.decode("utf-8", errors="replace"), root)


def faults_of_generated(binary, root):
    """Documents that differ from what the program prints."""
    for name, arguments in GENERATED:
        try:
            run = subprocess.run([binary, *arguments], capture_output=True, cwd=root, check=False)
        except OSError as error:
            yield f"{name}: {binary} cannot be started ({error.strerror}); run ./run build dev first"
            continue
        if run.returncode != 0:
            yield f"{name}: {' '.join(arguments)} failed: {run.stderr.decode(errors='replace').strip()}"
        elif not (root / name).exists() or (root / name).read_bytes() != run.stdout:
            yield f"{name}: is not what the program prints; run: build/dev/lodestone {' '.join(arguments)} > {name}"


def main():
    arguments = sys.argv[1:]
    binary = None
    if arguments[:1] == ["--binary"]:
        binary, arguments = str(pathlib.Path(arguments[1]).resolve()), arguments[2:]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    names = tracked_files(root)
    faults = [f"{name}: {fault}" for name in names for fault in faults_of_file(name, root)]
    if binary:
        faults += faults_of_generated(binary, root)
    for fault in faults:
        print(fault)
    print(f"check_text: {len(names)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
