"""Implicit ALS against the `implicit` library on the same data, and the linear model's inverse against LAPACK's own calls.
Both sides of ALS take three steps of conjugate gradients on two threads, with BLAS on one thread inside each."""
import gzip
import json
import statistics

import numpy
from support import ROOT, figure, folder
from support import run as call

DATA = ROOT.parent / "shared/data/ml1m-lgcnpp/train.txt.gz"
PROGRAM = ROOT / "build/release/als_bench"
THREADS = 2


def movielens():
    """User and item numbers of each interaction, one line a user: "user item item ..."."""
    users, items = [], []
    with gzip.open(DATA, "rt") as lines:
        for line in lines:
            user, *met = map(int, line.split())
            users += [user] * len(met)
            items += met
    return numpy.array(users), numpy.array(items)


def synthetic(n_events):
    """Users of all sizes and items of all popularities."""
    random = numpy.random.default_rng(7)
    users = (40_000 * random.random(n_events) ** 2).astype(numpy.int64)
    items = (20_000 * random.random(n_events) ** 3).astype(numpy.int64)
    return users, items


def matrix(quick):
    """Sparse [users, items] of ones."""
    from scipy.sparse import csr_matrix
    if DATA.is_file() and not quick:
        users, items = movielens()
    else:
        if not quick:
            print("  als: ml1m-lgcnpp is not beside the repository; made up 1 M events instead")
        users, items = synthetic(100_000 if quick else 1_000_000)
    out = csr_matrix((numpy.ones(len(users), numpy.float32), (users, items)))
    out.sum_duplicates()
    out.sort_indices()
    out.data[:] = 1
    return out


def write(path, x):
    with open(path, "wb") as out:
        numpy.array(x.shape, numpy.uint64).tofile(out)
        x.indptr.astype(numpy.uint64).tofile(out)
        x.indices.astype(numpy.int32).tofile(out)


def implicit_seconds(x, factors, iterations):
    """Median seconds of an iteration, the first left out."""
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits
    seconds = []
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=factors, iterations=iterations + 1, num_threads=THREADS, random_state=1)
        model.fit(x, show_progress=False, callback=lambda iteration, elapsed, loss: seconds.append(elapsed))
    return statistics.median(seconds[1:])


def run(rounds, quick):
    iterations = 3 if quick else 10
    x = matrix(quick)
    with folder() as path:
        write(path / "interactions", x)
        for factors in (64, 128):
            ours, theirs = [], []
            for _ in range(rounds):
                out = call(PROGRAM, "fit", path / "interactions", factors, iterations, THREADS).stdout
                ours.append(1 / json.loads(out)["iteration_seconds"])
                theirs.append(1 / implicit_seconds(x, factors, iterations))
            yield figure(f"als_iterations_{factors}_factors", ours, "1/s", theirs, ratio_goal=1.5)
    n = 1000 if quick else 5000
    rows = [json.loads(call(PROGRAM, "invert", n, THREADS).stdout) for _ in range(rounds)]
    row = figure(f"linear_model_inverse_{n}", [r["ours_seconds"] for r in rows], "s", [r["lapack_seconds"] for r in rows])
    yield row | {"goal": "ratio<=1.3", "met": row["ratio"] <= 1.3}
