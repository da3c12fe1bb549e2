"""The units of deploy/: systemd accepts them, and what they run and set is what the program has."""
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from product import LODESTONE, ROOT, call  # noqa: E402
from servers import folder  # noqa: E402

UNITS = sorted([*(ROOT / "deploy").glob("*.service"), *(ROOT / "deploy").glob("*.timer")])
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]


def values(unit, key):
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


class Units(unittest.TestCase):
    def with_systemd(self, *arguments):
        """Runs systemd-analyze over copies of the units that name the binary which was built."""
        if shutil.which("systemd-analyze") is None:
            self.skipTest("there is no systemd-analyze here; it comes with the package systemd")
        with folder() as path:
            for unit in UNITS:
                (path / unit.name).write_text(unit.read_text().replace("/usr/local/bin/lodestone", str(LODESTONE.resolve())))
            command = ["systemd-analyze", *arguments, *(str(path / unit.name) for unit in UNITS if arguments[0] == "verify" or unit in SERVICES)]
            return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_systemd_accepts_them(self):
        done = self.with_systemd("verify", "--man=no")
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "lodestone" in line]
        self.assertEqual(ours, [])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_fault_would_be_found(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("there is no systemd-analyze here; it comes with the package systemd")
        with folder() as path:
            (path / "bad.service").write_text("[Service]\nExecStart=/bin/true\nRestartt=on-failure\n")
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path / "bad.service")], capture_output=True, text=True, check=False)
            self.assertIn("Restartt", done.stderr)

    def test_little_is_left_that_an_intruder_could_use(self):
        done = self.with_systemd("security", "--offline=yes", "--threshold=20", "--no-pager")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_they_run_verbs_that_there_are(self):
        for unit in SERVICES:
            (command,) = values(unit, "ExecStart")
            program, option, config, *verb = command.split()
            self.assertEqual((program, option, config), ("/usr/local/bin/lodestone", "-c", "/var/lib/lodestone/lodestone.yaml"))
            self.assertIn("Usage:", call(*verb, "--help").stdout)

    def test_secrets_come_as_files(self):
        for unit in SERVICES:
            with folder() as path:
                names = [credential.split(":")[0] for credential in values(unit, "LoadCredential")]
                environment = dict(value.replace("%d", str(path)).split("=", 1) for value in values(unit, "Environment"))
                self.assertEqual(sorted(environment.values()), sorted(str(path / name) for name in names))
                (path / "lodestone.yaml").write_text("source:\n  business: mysql://reader@127.0.0.1:1/db\n")
                shown = call("-c", path / "lodestone.yaml", "config", environment=environment).stdout
                for file in environment.values():
                    self.assertIn(file, shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)
