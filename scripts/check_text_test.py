"""Each rule finds what it is for and leaves what looks alike. Forbidden words are put together here, so that the check passes itself."""

import pathlib
import stat
import subprocess
import tempfile
import unittest

import check_text


def faults(text, name="src/base/a.cpp", root="/nowhere"):
    return list(check_text.faults_of_text(name, text, pathlib.Path(root)))


class CheckText(unittest.TestCase):
    def test_paths_of_a_machine(self):
        self.assertEqual(len(faults("see /ro" + "ot/x/y")), 1)
        self.assertEqual(len(faults("see /ho" + "me/ann/x")), 1)
        self.assertEqual(faults("https://example.org/home/page/x and ~/.cache"), [])
        self.assertEqual(len(faults("in /srv/clone/src", root="/srv/clone")), 1)

    def test_hosts_of_registries(self):
        self.assertIn("host of a package registry", faults("https://registry." + "npmjs.org/x")[0])
        self.assertEqual(len(faults("py" + "pi.org")), 1)
        self.assertEqual(faults("the npm package duckdb"), [])

    def test_secrets(self):
        self.assertEqual(len(faults("AKIA" + "ABCDEFGHIJKLMNOP")), 1)
        self.assertEqual(len(faults("-----BEGIN RSA PRIVATE " + "KEY-----")), 1)
        self.assertEqual(faults("admin_token_file: admin.token"), [])

    def test_left_over_work_needs_an_issue(self):
        word = "TO" + "DO"
        self.assertEqual(len(faults(f"// {word}: later")), 1)
        self.assertEqual(faults(f"// {word}(#12): drop with format 1"), [])
        self.assertEqual(faults("production-optimization-todo"), [])

    def test_unfinished_words_count_only_in_the_product(self):
        self.assertEqual(len(faults("a dum" + "my value")), 1)
        self.assertEqual(faults("a dum" + "my value", name="docs/a.md"), [])
        self.assertEqual(len(faults("Not impl" + "emented yet")), 1)
        self.assertEqual(faults('"501 Not Impl' + 'emented"'), [])
        self.assertEqual(faults("input::place" + "holder { }", name="web/a.css"), [])
        self.assertEqual(faults('<input place' + 'holder="Search">', name="web/a.ts"), [])

    def test_switched_off_tests(self):
        self.assertEqual(len(faults("TEST(A, DISA" + "BLED_b)")), 1)
        self.assertEqual(len(faults("EXPECT_TRUE(tr" + "ue);")), 1)

    def test_large_files(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "fits").write_bytes(b"\0" * check_text.SIZE_LIMIT)
            (root / "large").write_bytes(b"\0" * (check_text.SIZE_LIMIT + 1))
            self.assertEqual(list(check_text.faults_of_file("fits", root)), [])
            self.assertEqual(len(list(check_text.faults_of_file("large", root))), 1)

    def test_generated_documents(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            program = root / "program"
            program.write_text("#!/bin/sh\necho \"$@\"\n", encoding="utf-8")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            self.assertIn("is not what the program prints", next(check_text.faults_of_generated(str(program), root)))
            self.assertIn("run ./run build dev", next(check_text.faults_of_generated(str(root / "gone"), root)))
            (root / "docs").mkdir()
            for name, arguments in check_text.GENERATED:
                (root / name).write_text(" ".join(arguments) + "\n", encoding="utf-8")
            self.assertEqual(list(check_text.faults_of_generated(str(program), root)), [])

    def test_only_files_that_git_would_track(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            subprocess.run(["git", "init", "-q", folder], check=True)
            (root / ".gitignore").write_text("/build/\n", encoding="utf-8")
            (root / "build").mkdir()
            (root / "build/a").write_text("x", encoding="utf-8")
            self.assertEqual(check_text.tracked_files(root), [".gitignore"])


if __name__ == "__main__":
    unittest.main()
