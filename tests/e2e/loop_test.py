"""The loop is closed: visitors with tastes that nobody told the server click what they are shown, the next release learns from it, and they click more."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import call, init, serve  # noqa: E402
from servers import folder  # noqa: E402
from visitors import Truth, Visitors  # noqa: E402

USERS = 800
CYCLES = 3


class Loop(unittest.TestCase):
    def test_click_through_rises_over_three_cycles(self):
        with folder() as path:
            # So few events that nothing is known of most people.
            call("simulate", "--to", f"files:{path}/source", "--items", 600, "--users", USERS, "--events", 1200, "--seed", 5, "--truth", path / "truth.json")
            # A young marketplace changes a lot from release to release.
            config = init(path / "site", f"files:{path}/source", "log.level=warn", "bundle.max_drift=100")
            call("-c", config, "pipeline", "run")
            visitors = Visitors(Truth(path / "truth.json", path / "source"), 5)
            rates = []
            for cycle in range(CYCLES):
                if cycle > 0:
                    call("-c", config, "pipeline", "run")
                with serve(config) as site:
                    rates.append(visitors.visit(site.port, range(USERS), 2))
            print("click-through by cycle:", ", ".join(f"{rate:.4f}" for rate in rates), file=sys.stderr)
            self.assertGreater(rates[1], rates[0])
            self.assertGreater(rates[2], 1.2 * rates[0])


if __name__ == "__main__":
    unittest.main()
