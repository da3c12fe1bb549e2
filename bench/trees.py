"""Scores of a tree ensemble, on one thread: our scorer against LightGBM's batch and single-row calls and against ONNX Runtime, on 200 candidates
of 60 features and 200 trees of 31 leaves."""
import json
import statistics
import time

import numpy
from onnx_trees import to_onnx
from support import ROOT, figure, folder
from support import run as call

PROGRAM = ROOT / "build/release/trees_bench"
FEATURES, CANDIDATES = 60, 200


def runtime_session(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = to_onnx((path / "model.txt").read_text(), FEATURES)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runtime_microseconds(session, rows, seconds):
    """Median of a call with 200 rows. The call from Python costs a few microseconds on top of the library's own."""
    blocks = [numpy.ascontiguousarray(block) for block in rows.reshape(-1, CANDIDATES, FEATURES)]
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for block in blocks:
            session.run(None, {"rows": block})
        times.append((time.perf_counter() - start) / len(blocks) * 1e6)
    return statistics.median(times)


def check(session, path, rows):
    scores = session.run(None, {"rows": rows})[0].ravel()
    if not numpy.allclose(scores, numpy.fromfile(path / "scores"), rtol=1e-4, atol=1e-4):
        raise SystemExit("bench: ONNX Runtime scores the rows otherwise; there is nothing to compare")


def run(rounds, quick):
    seconds = 1 if quick else 4
    with folder() as path:
        call(PROGRAM, "make", path, 20 if quick else 200)
        rows = numpy.fromfile(path / "rows", numpy.float32).reshape(-1, FEATURES)
        session = runtime_session(path)
        check(session, path, rows)
        ours, runtime = [], []
        for _ in range(rounds):
            ours.append(json.loads(call(PROGRAM, "time", path, seconds).stdout))
            runtime.append(runtime_microseconds(session, rows, seconds / 4))

    def rate(name, n):
        return [n * 1e6 / times[name] for times in ours]
    batch = rate("ours_200", CANDIDATES)
    yield figure("trees_200_rows", batch, "rows/s", rate("library_200", CANDIDATES), ratio_goal=8)
    yield figure("trees_200_rows_onnxruntime", batch, "rows/s", [CANDIDATES * 1e6 / t for t in runtime], ratio_goal=6)
    yield figure("trees_1_row", rate("ours_1", 1), "rows/s", rate("library_1", 1), ratio_goal=3)
    yield figure("trees_20_rows", rate("ours_20", 20), "rows/s", rate("library_20", 20))
    yield figure("trees_200_rows_avx2", rate("ours_200_avx2", CANDIDATES), "rows/s", rate("library_200", CANDIDATES))
    yield figure("trees_200_rows_scalar", rate("ours_200_scalar", CANDIDATES), "rows/s", rate("library_200", CANDIDATES))
    # 20 of the 60 features are the same in all rows: decided once, against scored like any other.
    yield figure("trees_constant_features", rate("ours_200_constant", CANDIDATES), "rows/s", rate("ours_200_shared", CANDIDATES))
    yield figure("trees_contributions", rate("ours_contributions", 1), "rows/s", rate("library_contributions", 1))
