#!/usr/bin/env python3
"""Exported rankers in ONNX Runtime: the same leaf of every tree for every row, values on thresholds and missing ones among them, and scores as near
as sums of floats can be. onnx_test.py PROGRAM, where PROGRAM is write_onnx_models."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}; ./run setup --test brings it into build/venv")
    sys.exit(77)

PROGRAM = sys.argv.pop(1)


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class OnnxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.models = json.loads(subprocess.run([PROGRAM, cls.folder], check=True, capture_output=True, text=True).stdout)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def rows(self, model):
        rows = numpy.fromfile(self.folder / model["name"] / "rows", numpy.float32).reshape(-1, model["features"])
        self.assertEqual(len(rows), 10_000)
        self.assertGreater(int(numpy.isnan(rows).sum()), 1000)
        return rows

    def test_every_row_ends_in_the_same_leaf_of_every_tree(self):
        for model in self.models:
            rows = self.rows(model)
            leaves = numpy.fromfile(self.folder / model["name"] / "leaves", numpy.int32).reshape(model["trees"], len(rows))
            for tree in range(model["trees"]):
                found = session(self.folder / model["name"] / f"tree-{tree}.onnx").run(None, {"rows": rows})[0].ravel()
                numpy.testing.assert_array_equal(found, leaves[tree], f"{model['name']}, tree {tree}")

    def test_scores_differ_by_no_more_than_sums_of_floats_do(self):
        for model in self.models:
            runtime = session(self.folder / model["name"] / "model.onnx")
            found = runtime.run(None, {"rows": self.rows(model)})[0]
            self.assertEqual(found.shape, (10_000, 1))
            scores = numpy.fromfile(self.folder / model["name"] / "scores")
            most = (model["trees"] + 1) * 2.0**-23 * model["largest"]
            self.assertLessEqual(float(numpy.abs(found.ravel() - scores).max()), most, model["name"])

    def test_a_model_says_what_its_columns_are(self):
        runtime = session(self.folder / "mixed" / "model.onnx")
        meta = runtime.get_modelmeta()
        names = meta.custom_metadata_map["feature_names"].split(",")
        self.assertEqual(names, [f"feature_{i}" for i in range(9)])
        self.assertEqual(meta.custom_metadata_map["objective"], "lambdarank")
        self.assertEqual(meta.producer_name, "lodestone")
        self.assertEqual(runtime.get_inputs()[0].shape, ["n", 9])


if __name__ == "__main__":
    unittest.main()
