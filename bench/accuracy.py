"""Accuracy of the behaviour models and of the text models on public sets by their published protocols; the data lie beside the repository, where they are."""
import json

from support import LODESTONE, ROOT, figure
from support import run as call

DATA = ROOT.parent / "shared/data"
# name, set, metric, goal: the best simple published or re-measured method of each protocol (EASE with weights, LightGCN++'s tables, Gorse's and
# the recommenders team's READMEs, rules); baselines are item-kNN with cosine, measured beside it.
ROWS = (
    ("ml100k_5fold_ndcg@10", "ml-100k", "ndcg@10", 0.4445),
    ("ml100k_75_25_ndcg@10", "ml-100k/dataset-75-25.yaml", "ndcg@10", 0.4788),
    ("ml1m_recall@10", "ml1m-lgcnpp", "recall@10", 0.1688),
    ("ml1m_ndcg@10", "ml1m-lgcnpp", "ndcg@10", 0.3323),
    ("lastfm_recall@10", "lastfm-lgcnpp", "recall@10", 0.1795),
    ("lastfm_ndcg@10", "lastfm-lgcnpp", "ndcg@10", 0.2075),
    ("toys_hit_rate@10", "amazon-toys-seq", "hit_rate@10", 0.1072),
    ("toys_ndcg@10", "amazon-toys-seq", "ndcg@10", 0.0696),
    ("nowplaying_hit_rate@20", "session-nowplaying", "hit_rate@20", 0.196),
    ("nowplaying_mrr@20", "session-nowplaying", "mrr@20", 0.0877),
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
