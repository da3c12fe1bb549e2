"""The rules must find what they forbid and nothing else: each case is a small tree of files."""

import pathlib
import tempfile
import unittest

import check_includes


class CheckIncludes(unittest.TestCase):
    def faults(self, files, path):
        """Faults of `path` in a tree of {path: text}."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            self.warnings = check_includes.check_file(root / path, root)[1]
            return check_includes.check_file(root / path, root)[0]

    def include(self, path, header, *headers):
        """Faults of a file at `path` with one include, in a tree that has the given headers."""
        text = ("#pragma once\n" if path.endswith(".hpp") else "") + f"#include {header}\n"
        return self.faults({**{h: "#pragma once\n" for h in headers}, path: text}, path)

    def test_a_stage_may_include_what_its_row_names(self):
        self.assertEqual(self.include("src/lake/a.cpp", '"base/error.hpp"', "src/base/error.hpp"), [])
        self.assertEqual(self.include("src/lake/a.cpp", '"sources/change.hpp"', "src/sources/change.hpp"), [])
        self.assertEqual(self.include("src/lake/deep/a.cpp", '"lake/b.hpp"', "src/lake/b.hpp"), [])

    def test_serving_never_sees_the_lake(self):
        [fault] = self.include("src/serving/a.cpp", '"lake/reader.hpp"', "src/lake/reader.hpp")
        self.assertIn('line 1 includes "lake/reader.hpp"', fault)
        self.assertIn("serving may include base, metrics, http, cache, engine, bundle only", fault)

    def test_one_header_of_a_folder_does_not_open_the_folder(self):
        self.assertEqual(len(self.include("src/lake/a.cpp", '"sources/other.hpp"', "src/sources/other.hpp")), 1)

    def test_the_core_of_features_does_not_include_its_builders(self):
        self.assertEqual(len(self.include("src/features/a.cpp", '"features/build/b.hpp"', "src/features/build/b.hpp")), 1)
        self.assertEqual(len(self.include("src/models/a.cpp", '"features/build/b.hpp"', "src/features/build/b.hpp")), 1)
        self.assertEqual(self.include("src/features/build/a.cpp", '"features/schema.hpp"', "src/features/schema.hpp"), [])
        self.assertEqual(self.include("src/features/build/a.cpp", '"features/build/b.hpp"', "src/features/build/b.hpp"), [])

    def test_a_folder_without_a_row_is_a_fault(self):
        [fault] = self.include("src/helpers/a.cpp", '"base/error.hpp"', "src/base/error.hpp")
        self.assertIn("has no row", fault)

    def test_apps_may_include_all_of_ours(self):
        self.assertEqual(self.include("apps/lodestone/a.cpp", '"lake/reader.hpp"', "src/lake/reader.hpp"), [])

    def test_apps_may_name_a_neighbour(self):
        self.assertEqual(self.include("apps/lodestone/a.cpp", '"verbs.hpp"', "apps/lodestone/verbs.hpp"), [])
        self.assertEqual(len(self.include("src/lake/a.cpp", '"reader.hpp"', "src/lake/reader.hpp")), 1)

    def test_only_tests_and_fuzz_targets_look_into_the_program(self):
        self.assertEqual(self.include("fuzz/a.cpp", '"apps/lodestone/b.hpp"', "apps/lodestone/b.hpp"), [])
        self.assertEqual(len(self.include("src/lake/a.cpp", '"apps/lodestone/b.hpp"', "apps/lodestone/b.hpp")), 1)

    def test_a_missing_header_is_a_fault(self):
        self.assertIn("does not exist", self.include("src/lake/a.cpp", '"base/gone.hpp"')[0])

    def test_third_party_headers_stay_in_their_folder_and_out_of_headers(self):
        self.assertEqual(self.include("src/base/a.cpp", "<yaml-cpp/yaml.h>"), [])
        self.assertIn("belongs to base alone", self.include("src/lake/a.cpp", "<yaml-cpp/yaml.h>")[0])
        self.assertIn("stay in .cpp files", self.include("src/base/a.hpp", "<yaml-cpp/yaml.h>")[0])
        self.assertEqual(self.include("src/http/a.hpp", "<boost/asio/awaitable.hpp>"), [])
        self.assertEqual(len(self.include("src/http/a.hpp", "<boost/beast/http.hpp>")), 1)
        self.assertEqual(self.include("src/lake/a.hpp", "<fmt/core.h>"), [])
        self.assertEqual(self.include("src/lake/a.cpp", "<sys/stat.h>"), [])
        self.assertEqual(self.include("src/lake/a.cpp", "<vector>"), [])

    def test_an_unknown_library_is_a_fault(self):
        self.assertIn("no row", self.include("src/lake/a.cpp", "<eigen3/Eigen/Core>")[0])
        self.assertIn("no row", self.include("src/lake/a.cpp", "<curl.h>")[0])

    def test_test_helpers_are_for_tests_only(self):
        self.assertEqual(self.include("src/lake/a_test.cpp", '"tests/support/x.hpp"', "tests/support/x.hpp"), [])
        self.assertEqual(self.include("src/lake/a_test.cpp", "<gtest/gtest.h>"), [])
        self.assertEqual(len(self.include("src/lake/a.cpp", '"tests/support/x.hpp"', "tests/support/x.hpp")), 1)
        self.assertEqual(len(self.include("src/lake/a.cpp", "<gtest/gtest.h>")), 1)

    def test_lengths_on_both_sides_of_each_limit(self):
        for name, lines, n_faults, n_warnings in [("a.cpp", 400, 0, 0), ("a.cpp", 401, 0, 1), ("a.cpp", 600, 0, 1), ("a.cpp", 601, 1, 0),
                                                  ("a.hpp", 200, 0, 0), ("a.hpp", 201, 0, 1)]:
            text = "#pragma once\n" + "\n" * (lines - 1)
            self.assertEqual(len(self.faults({f"src/base/{name}": text}, f"src/base/{name}")), n_faults, f"{name} {lines}")
            self.assertEqual(len(self.warnings), n_warnings, f"{name} {lines}")

    def test_a_header_without_pragma_once_is_a_fault(self):
        self.assertEqual(self.faults({"src/base/a.hpp": "int x;\n"}, "src/base/a.hpp"), ["has no #pragma once"])


if __name__ == "__main__":
    unittest.main()
