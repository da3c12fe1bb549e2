"""Our vector index against Faiss and hnswlib at equal recall, and the scan against the graph by size and by what a filter leaves.

The hard set: 100,000 x 128 floats of 32 hidden dimensions (normal, times a random matrix, plus noise of a tenth), L2, k 50, one thread, 1,000
queries. Each method takes the smallest ef or nprobe of a ladder that finds .90 of the true nearest. Queries a second are of processor time, the
best of three passes a round; our index and hnswlib answer one query at a time, Faiss gets all in one call. All use the same instructions, AVX-512
where the machine has it and else AVX2: ours and Faiss choose at run time, hnswlib has a program for each. Builds are timed on 25,000 of the same kind.
"""
import contextlib
import json
import os
import subprocess
import time

import numpy
from support import ROOT, figure, folder

PROGRAMS = ROOT / "build/release"
K, M, EF_CONSTRUCTION, RECALL = 50, 32, 200, 0.9
EFS = (50, 52, 54, 56, 58, 60, 62, 64, 68, 72, 80, 96, 112, 128, 160, 200, 256, 384, 512)
PROBES = (8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512)
SIZES = (2_000, 5_000, 10_000, 20_000, 50_000)
CODED_SIZES = (5_000, 10_000, 20_000)
DIMENSIONS = (64, 128)
SHARES = (0.7, 0.5, 0.35, 0.25, 0.18, 0.12)


def simd_level():
    flags = next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split()
    return "AVX512" if {"avx512f", "avx512dq", "avx512vl"} <= set(flags) else "AVX2"


def vectors(n, dimension, n_queries):
    random = numpy.random.default_rng(7)
    mixing = random.standard_normal((32, dimension), dtype=numpy.float32)
    hidden = random.standard_normal((n + n_queries, 32), dtype=numpy.float32)
    all_of_them = hidden @ mixing + 0.1 * random.standard_normal((n + n_queries, dimension), dtype=numpy.float32)
    return all_of_them[:n].copy(), all_of_them[n:].copy()


def nearest(base, queries):
    """True K nearest of each query, by the definition in doubles for those that floats find near."""
    squares = (base * base).sum(1)
    out = []
    for query in queries:
        near = numpy.argpartition(squares - 2 * (base @ query), 2 * K)[: 2 * K]
        exact = ((base[near].astype(numpy.float64) - query) ** 2).sum(1)
        out.append(near[numpy.argsort(exact)[:K]])
    return numpy.array(out, numpy.int32)


def write(path, n, dimension, n_queries):
    base, queries = vectors(n, dimension, n_queries)
    truth = nearest(base, queries)
    path.mkdir()
    base.tofile(path / "base.f32")
    queries.tofile(path / "queries.f32")
    truth.tofile(path / "truth.i32")
    return base, queries, truth


class Program:
    """A program of vectors_bench.hpp."""

    def __init__(self, name, path, dimension):
        command = [PROGRAMS / name, path, dimension, K, M, EF_CONSTRUCTION]
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: {self.process.args[0]} ended with {self.process.wait()}")
        return json.loads(line)

    def build(self, threads):
        return self.ask("build", threads)

    def search(self, setting):
        return self.ask("search", setting)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def program(name, path, dimension):
    out = Program(name, path, dimension)
    try:
        yield out
    finally:
        out.close()


class Faiss:
    """An index of Faiss with the same questions."""

    def __init__(self, make, set_up, data):
        self.make, self.set_up = make, set_up
        self.base, self.queries, self.truth = data
        self.index = None

    def build(self, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        start, used = time.monotonic(), time.process_time()
        self.index = self.make(faiss)
        self.index.train(self.base)
        self.index.add(self.base)
        return {"seconds": time.monotonic() - start, "processor_seconds": time.process_time() - used}

    def search(self, setting):
        import faiss
        faiss.omp_set_num_threads(1)
        self.set_up(self.index, setting)
        seconds = []
        for _ in range(3):
            start = time.process_time()
            _, found = self.index.search(self.queries, K)
            seconds.append(time.process_time() - start)
        hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), self.truth.tolist()))
        return {"queries_per_second": len(found) / min(seconds), "recall": hits / self.truth.size}


def faiss_hnsw(data):
    def make(faiss):
        index = faiss.IndexHNSWFlat(data[0].shape[1], M)
        index.hnsw.efConstruction = EF_CONSTRUCTION
        return index
    return Faiss(make, lambda index, ef: setattr(index.hnsw, "efSearch", ef), data)


def faiss_ivf(data, lists):
    return Faiss(lambda faiss: faiss.index_factory(data[0].shape[1], f"IVF{lists},Flat"),
                 lambda index, probes: setattr(index, "nprobe", probes), data)


def smallest(method, ladder, name):
    for setting in ladder:
        recall = method.search(setting)["recall"]
        if recall >= RECALL:
            print(f"  vectors: {name} finds {recall:.4f} at {setting}", flush=True)
            return setting
    raise SystemExit(f"bench: {name} does not reach recall {RECALL} at {ladder[-1]}")


def sides(path, data, dimension, lists, stack):
    """The methods over one folder of vectors, each with its ladder, ours first."""
    def start(name):
        return stack.enter_context(program(name, path, dimension))
    return {"ours": (start("vectors_bench"), EFS), "hnswlib": (start(f"hnswlib_bench_{simd_level().lower()}"), EFS),
            "faiss_hnsw": (faiss_hnsw(data), EFS), "faiss_ivf": (faiss_ivf(data, lists), PROBES)}


def at_equal_recall(path, rounds, quick):
    data = write(path / "hard", 10_000 if quick else 100_000, 128, 1000)
    with contextlib.ExitStack() as stack:
        methods = sides(path / "hard", data, 128, 128 if quick else 1024, stack)
        settings = {}
        for name, (method, ladder) in methods.items():
            built = method.build(2)
            settings[name] = smallest(method, ladder, name)
            print(f"  vectors: {name} was built in {built['seconds']:.1f} s on two threads, {built['processor_seconds']:.1f} s of processor time",
                  flush=True)
        rates = {name: [] for name in methods}
        for _ in range(rounds):
            for name, (method, _) in methods.items():
                rates[name].append(method.search(settings[name])["queries_per_second"])
        for name in list(methods)[1:]:
            yield figure(f"vectors_recall90_vs_{name}", rates["ours"], "q/s", rates[name], ratio_goal=2 if name == "faiss_ivf" else 1)
        yield from by_share(methods["ours"][0], rounds)


def builds(path, rounds, quick):
    """On one thread by the processor's time, on two by the clock; a ratio over 1 is faster."""
    data = write(path / "builds", 5_000 if quick else 25_000, 128, 1000)
    with contextlib.ExitStack() as stack:
        methods = sides(path / "builds", data, 128, 128, stack)
        for threads, time_of in ((1, "processor_seconds"), (2, "seconds")):
            rates = {name: [] for name in methods}
            for _ in range(rounds):
                for name, (method, _) in methods.items():
                    rates[name].append(3600 / method.build(threads)[time_of])
            for name in ("hnswlib", "faiss_hnsw"):
                yield figure(f"vectors_build_{threads}_threads_vs_{name}", rates["ours"], "1/h", rates[name], ratio_goal=1)


def by_share(ours, rounds):
    """The graph with a filter against the scan of what it leaves, ef 64, at the shares of the set that are left."""
    for share in SHARES:
        graph, scan = [], []
        for _ in range(rounds):
            graph.append(ours.ask("filter", share, 64, "graph")["queries_per_second"])
            scan.append(ours.ask("filter", share, 64, "scan")["queries_per_second"])
        yield figure(f"vectors_graph_vs_scan_share_{share:g}", graph, "q/s", scan)


def by_size(path, rounds, quick):
    """The graph against the scan, at ef 64 and on two sizes at 256."""
    for dimension in DIMENSIONS:
        for n in SIZES[:2] if quick else SIZES:
            write(path / f"{n}x{dimension}", n, dimension, 1000)
            with program("vectors_bench", path / f"{n}x{dimension}", dimension) as ours:
                ours.build(2)
                for ef in (64, 256) if n in (10_000, 20_000) else (64,):
                    recall = ours.search(ef)["recall"]
                    graph, scan = [], []
                    for _ in range(rounds):
                        graph.append(ours.search(ef)["queries_per_second"])
                        scan.append(ours.ask("scan")["queries_per_second"])
                    print(f"  vectors: {n} x {dimension}, ef {ef}: the graph finds {recall:.4f}", flush=True)
                    yield figure(f"vectors_graph_vs_scan_{n}x{dimension}_{ef}", graph, "q/s", scan)


def by_codes(path, rounds, quick):
    """The graph against the scan by codes, which inner products allow, at ef 64: without a filter, and where half is left."""
    for dimension in DIMENSIONS:
        for n in CODED_SIZES[:1] if quick else CODED_SIZES:
            write(path / f"codes-{n}x{dimension}", n, dimension, 1000)
            with program("vectors_bench", path / f"codes-{n}x{dimension}", dimension) as ours:
                ours.ask("build", 2, "ip")
                for share in (1, 0.5):
                    graph, scan, recall = [], [], 0
                    for _ in range(rounds):
                        walked = ours.ask("filter", share, 64, "graph")
                        graph.append(walked["queries_per_second"])
                        recall = walked["recall"]
                        scan.append(ours.ask("filter", share, 64, "scan")["queries_per_second"])
                    print(f"  vectors: {n} x {dimension}, share {share:g}: the graph finds {recall:.4f}", flush=True)
                    yield figure(f"vectors_graph_vs_codes_{n}x{dimension}_share_{share:g}", graph, "q/s", scan)


def run(rounds, quick):
    level = simd_level()
    os.environ["FAISS_SIMD_LEVEL"] = level  # read when Faiss is loaded
    import faiss
    if faiss.SIMDConfig.get_level_name() != level:
        raise SystemExit(f"bench: Faiss uses {faiss.SIMDConfig.get_level_name()}, not {level}; the figures would say nothing")
    print(f"  vectors: all with {level}, Faiss {faiss.__version__}, hnswlib 0.8.0", flush=True)
    with folder() as path:
        yield from at_equal_recall(path, rounds, quick)
        yield from by_size(path, rounds, quick)
        yield from by_codes(path, rounds, quick)
        yield from builds(path, rounds, quick)
