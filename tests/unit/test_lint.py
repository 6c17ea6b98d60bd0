"""Lock files hold pins alone, and `make help` names every verb."""

import os
import re
import subprocess

from tests.support import REPOSITORY


def test_lock_files_hold_pins_and_no_address() -> None:
    for lock in ("requirements.txt", "reports/package-lock.json"):
        assert not re.search(r"https?://[^\"\s]*(simple|\.tgz|registry)", (REPOSITORY / lock).read_text()), (
            lock
        )
    pins = [line for line in (REPOSITORY / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    assert all(re.fullmatch(r"[\w.-]+==\S+( ; .*)?", pin) for pin in pins)
    declared = re.findall(r'^ +"([\w.-]+==[\w.]+)",$', (REPOSITORY / "pyproject.toml").read_text(), re.M)
    assert set(declared) <= set(pins)


def test_make_help_names_every_verb() -> None:
    run = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, env=os.environ)
    for verb in ("build", "check", "test", "test-all", "lint", "reports", "serve-reports", "docs", "clean"):
        assert f"make {verb} " in run.stdout
