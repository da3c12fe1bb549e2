#!/usr/bin/env python3
"""A bundle's array files open in the safetensors library of the format's authors, with the values that were packed; and what that library
writes has the layout that docs/formats/safetensors.md tells. safetensors_test.py PROGRAM, where PROGRAM is write_sample_bundle."""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy
from safetensors import safe_open
from safetensors.numpy import load_file

PROGRAM = sys.argv.pop(1)
DTYPES = {"U8": "uint8", "I32": "int32", "I64": "int64", "U64": "uint64", "F32": "float32", "F64": "float64"}


def header_of(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8:8 + length]), data[8 + length:]


class SafetensorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        out = subprocess.run([PROGRAM, cls.temporary.name], check=True, capture_output=True, text=True).stdout
        cls.packed = json.loads(out)
        cls.folder = pathlib.Path(cls.packed["folder"])

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def check_lists(self, arrays, name, packed):
        numpy.testing.assert_array_equal(arrays[f"{name}.offsets"], packed["offsets"])
        numpy.testing.assert_array_equal(arrays[f"{name}.items"], packed["items"])
        numpy.testing.assert_array_equal(arrays[f"{name}.scores"], numpy.array(packed["scores"], "float32"))
        self.assertEqual(arrays[f"{name}.offsets"].dtype, numpy.uint64)
        self.assertEqual(arrays[f"{name}.items"].dtype, numpy.int32)

    def test_items(self):
        arrays = load_file(self.folder / "items.safetensors")
        numpy.testing.assert_array_equal(arrays["item_id"], self.packed["item_id"])
        prices = numpy.array([numpy.nan if price is None else price for price in self.packed["price"]])
        numpy.testing.assert_array_equal(arrays["price"], prices)
        offsets, text = arrays["title.offsets"], arrays["title.bytes"].tobytes()
        titles = [text[begin:end].decode() for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist())]
        self.assertEqual(titles, self.packed["title"])

    def test_lists(self):
        self.check_lists(load_file(self.folder / "behavior.safetensors"), "neighbors", self.packed["behavior"])
        self.check_lists(load_file(self.folder / "content.safetensors"), "neighbors", self.packed["content"])
        self.check_lists(load_file(self.folder / "popular.safetensors"), "popular", self.packed["popular"])

    def test_every_array_of_every_file(self):
        files = sorted(self.folder.glob("*.safetensors"))
        self.assertEqual(len(files), 9)
        for path in files:
            header, data = header_of(path)
            with safe_open(path, "numpy") as opened:
                self.assertEqual(sorted(opened.keys()), sorted(header))
                for name, entry in header.items():
                    begin, end = entry["data_offsets"]
                    raw = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
                    numpy.testing.assert_array_equal(opened.get_tensor(name), raw, f"{path.name} {name}")

    def test_the_manifest_vouches_for_the_files(self):
        manifest = (self.folder / "manifest.json").read_bytes()
        self.assertEqual((self.folder / "manifest.sha256").read_text(), hashlib.sha256(manifest).hexdigest() + "  manifest.json\n")
        for entry in json.loads(manifest)["files"]:
            data = (self.folder / entry["name"]).read_bytes()
            self.assertEqual((len(data), hashlib.sha256(data).hexdigest()), (entry["bytes"], entry["sha256"]))


if __name__ == "__main__":
    unittest.main()
