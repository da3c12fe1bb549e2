"""Accuracy of the behaviour models and of the text models on public sets by their published protocols; the data lie beside the repository, where they are."""
import json

from support import LODESTONE, ROOT, figure
from support import run as call

DATA = ROOT.parent / "shared/data"
# name, set, metric, goal; baselines are item-kNN with cosine, re-measured on the same protocol.
ROWS = (
    ("ml100k_ndcg@10", "ml-100k", "ndcg@10", 0.3895),
    ("ml1m_recall@10", "ml1m-lgcnpp", "recall@10", 0.1372),
    ("ml1m_ndcg@10", "ml1m-lgcnpp", "ndcg@10", 0.2853),
)
# Goals are jieba without its HMM, and a logistic model over characters and pairs, both re-measured on the same protocol.
TEXT_ROWS = (
    ("cws_pku_word_f1", "zh-cws-pku", "word_f1", 0.8358),
    ("thucnews_accuracy", "zh-thucnews-titles", "accuracy", 0.8675),
)


def evaluate(data, methods):
    """The row of each method on a set."""
    out = call(LODESTONE, "evaluate", "--data", DATA / data, "--method", methods, "--json").stdout
    return {row["method"]: row for row in json.loads(out)["results"]}


def run(rounds, quick):
    if not DATA.is_dir():
        print(f"  accuracy skipped: {DATA.name} with the public sets is not beside the repository")
        return
    results = {}
    for name, data, metric, goal in ROWS:
        if data not in results:
            results[data] = evaluate(data, "auto,itemknn-cosine")
        ours = results[data]["auto"]["metrics"][metric]
        yield figure(name, [ours], "", [results[data]["itemknn-cosine"]["metrics"][metric]]) | {
            "goal": f">={goal}", "met": ours >= goal}
    for name, data, metric, goal in TEXT_ROWS:
        yield figure(name, [evaluate(data, "auto")["auto"]["metrics"][metric]], "", least=goal)
