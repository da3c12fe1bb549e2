"""The closed loop: click-through of visitors with hidden tastes over three releases, each trained on what the one before was shown and clicked. A round
is a marketplace of its own; the baseline is the first release, of which nobody has been shown anything."""
from support import LODESTONE, demo_config, figure, folder, free_port, server
from support import run as call
from visitors import Truth, Visitors

CYCLES = 3


def rates_of(path, seed, quick):
    users = 1000 if quick else 5000
    source = path / "source"
    call(LODESTONE, "simulate", "--to", f"files:{source}", "--items", 1000 if quick else 4000, "--users", users, "--events", 3 * users // 2, "--seed", seed, "--truth",
         path / "truth.json")
    config = demo_config(path / "site", f"files:{source}", "serving.threads=2", "log.level=warn", "bundle.max_drift=100")
    visitors = Visitors(Truth(path / "truth.json", source), seed)
    rates = []
    for _ in range(CYCLES):
        call(LODESTONE, "-c", config, "pipeline", "run")
        port = free_port()
        command = [LODESTONE, "-c", config, "serve", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}"]
        with server(command, port, "lodestone", path / "serve.log"):
            rates.append(visitors.visit(port, range(users), 2))
    return rates


def run(rounds, quick):
    results = []
    for seed in range(1, rounds + 1):
        with folder() as path:
            results.append(rates_of(path, seed, quick))
    for cycle in range(1, CYCLES):
        yield figure(f"click_through_cycle_{cycle + 1}", [r[cycle] for r in results], "", [r[0] for r in results],
                     ratio_goal=1.2 if cycle == CYCLES - 1 else 1.0)
