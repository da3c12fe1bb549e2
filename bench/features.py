"""The features of 300 k users and 50 k items over 10 M simulated events, in time and memory, against SQL that an analyst would write.

The baseline is one SELECT for users and one for items with 30 features each, run by the same engine over the same lake: counts of 4 kinds
in 4 windows, decayed popularity, ages, different partners in 4 windows, active days, rates. Ours are all features of the schema (62 and 91), and
two Parquet files are written; the baseline writes none.
"""
from support import LODESTONE, demo_config, figure, folder, timed
from support import run as call

WINDOWS = {"1h": "age * 24 < 1", "24h": "age < 1", "7d": "age < 7", "30d": "age < 30"}
BUYS = "kind IN ('order', 'api_order')"


def baseline(key, partner):
    columns = {f"{kind}_{name}": f"count(*) FILTER (WHERE kind = '{kind}' AND {window})"
               for kind in ("view", "click", "cart", "order") for name, window in WINDOWS.items()}
    columns["n"] = "count(*)"
    columns |= {f"decayed_{days}": f"sum(pow(0.5, age / {days}))" for days in (1, 7, 30)}
    columns |= {"last": "min(age)", "first": "max(age)", "last_buy": f"min(age) FILTER (WHERE {BUYS})"}
    columns |= {f"partners_{name}": f"count(DISTINCT partner) FILTER (WHERE {window})" for name, window in WINDOWS.items() if name != "1h"}
    columns["partners"] = "count(DISTINCT partner)"
    columns["active_days"] = "count(DISTINCT CAST(floor(age) AS INTEGER)) FILTER (WHERE age < 30)"
    columns["click_rate"] = "count(*) FILTER (WHERE kind = 'click' AND age < 7) / (1 + count(*) FILTER (WHERE kind = 'view' AND age < 7))"
    columns["buy_rate"] = f"count(*) FILTER (WHERE {BUYS} AND age < 30) / (1 + count(*) FILTER (WHERE age < 30))"
    assert len(columns) == 30
    made = ", ".join(f"{text} AS {name}" for name, text in columns.items())
    return (f"SELECT {', '.join(f'sum({name}) AS {name}' for name in columns)} FROM (SELECT {key}, {made} FROM (SELECT kind, {key} AS {key}, {partner} AS "
            "partner, (unix_micros((SELECT max(x.at) FROM events x)) - unix_micros(e.at)) / 86400000000 AS age FROM events e "
            f"WHERE {key} IS NOT NULL) GROUP BY {key})")


def run(rounds, quick):
    events, items, users = (1_000_000, 5_000, 30_000) if quick else (10_000_000, 50_000, 300_000)
    seconds, peaks, plain_seconds, plain_peaks = [], [], [], []
    with folder() as path:
        call(LODESTONE, "simulate", "--to", f"files:{path}/source", "--format", "parquet", "--items", items, "--users", users, "--events", events,
             "--seed", 7, "--end", "2026-11-01T00:00:00Z")
        config = demo_config(path / "site", f"files:{path}/source")
        call(LODESTONE, "-c", config, "pipeline", "run", "--to", "build")
        for _ in range(rounds):
            spent, peak, _ = timed(LODESTONE, "-c", config, "features", "build")
            seconds.append(spent)
            peaks.append(peak)
            runs = [timed(LODESTONE, "-c", config, "sql", query)
                    for query in (baseline("user_id", "item_id"), baseline("item_id", "coalesce(user_id, visitor_key(visitor_id))"))]
            plain_seconds.append(sum(one[0] for one in runs))
            plain_peaks.append(max(one[1] for one in runs))
    yield figure("features_10m_seconds", seconds, "s", plain_seconds)
    yield figure("features_10m_peak", peaks, "MiB", plain_peaks, most=4096)
