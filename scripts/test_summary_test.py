"""The counts of the last line, from results as ctest and GoogleTest write them."""

import pathlib
import tempfile
import unittest

import test_summary


def ctest_case(name, status, inner=""):
    return f'<testcase name="{name}" classname="{name}" time="1" status="{status}">{inner}</testcase>'


class Summary(unittest.TestCase):
    def summarize(self, ctest, **binaries):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "ctest.xml").write_text(f"<testsuite>{''.join(ctest)}</testsuite>", encoding="utf-8")
            for name, text in binaries.items():
                (root / f"{name}_test.xml").write_text(text, encoding="utf-8")
            total, failed = test_summary.summarize(root)
            return total["passed"], total["failed"], total["skipped"], failed

    TWO_PASSED = ('<testsuites><testsuite><testcase name="a" status="run" result="completed"/>'
                  '<testcase name="b" status="run" result="completed"/><testcase name="c" status="notrun" result="suppressed"/>'
                  '</testsuite></testsuites>')
    ONE_FAILED = ('<testsuites><testsuite><testcase name="a" classname="Base" status="run"><failure message="x.cpp:3&#x0A; no"/></testcase>'
                  '<testcase name="b" status="run"/></testsuite></testsuites>')

    def test_a_binary_counts_with_its_cases_and_a_script_once(self):
        ctest = [ctest_case("base", "run"), ctest_case("page", "run")]
        self.assertEqual(self.summarize(ctest, base=self.TWO_PASSED), (3, 0, 0, []))

    def test_failed_cases_are_named_with_what_they_said(self):
        ctest = [ctest_case("base", "fail", '<failure message="Failed"/>')]
        self.assertEqual(self.summarize(ctest, base=self.ONE_FAILED), (1, 1, 0, ["base", "base: Base.a: x.cpp:3 no"]))

    def test_a_binary_that_dies_after_its_cases_is_a_failure(self):
        ctest = [ctest_case("base", "fail", '<failure message="leak"/>')]
        self.assertEqual(self.summarize(ctest, base=self.TWO_PASSED), (2, 1, 0, ["base"]))

    def test_a_crash_leaves_no_result_or_half_of_one(self):
        ctest = [ctest_case("base", "fail")]
        self.assertEqual(self.summarize(ctest), (0, 1, 0, ["base"]))
        self.assertEqual(self.summarize(ctest, base="<testsuites><tests"), (0, 1, 0, ["base"]))

    def test_a_missing_program_is_a_failure_and_a_declared_skip_is_not(self):
        ctest = [ctest_case("gone", "notrun", '<skipped message="Unable to find executable"/>'),
                 ctest_case("later", "notrun", '<skipped message="SKIP_RETURN_CODE=77"/>')]
        self.assertEqual(self.summarize(ctest), (0, 1, 1, ["gone"]))


if __name__ == "__main__":
    unittest.main()
