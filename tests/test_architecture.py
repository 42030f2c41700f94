"""The arrows between the rooms, as import-linter's contracts in pyproject.toml draw them."""

import subprocess
import sys
from pathlib import Path


def test_imports_run_one_way() -> None:
    contracts = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert contracts.returncode == 0, contracts.stdout
