"""Runs every bench_*.py beside this file and prints one table: what, measured, target, met or not.

    python -m tests.bench [--quick] [--only NAME] [--json FILE]

A bench module has `run(quick: bool) -> list[dict]` with the keys name, value, target, passed and detail. Speeds
are ratios of two things measured side by side in one run wherever there is something to compare with.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a first look")
    parser.add_argument("--only", help="the one bench to run, e.g. selection")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        rows = importlib.import_module(f"tests.bench.bench_{options.one}").run(options.quick)
        print(json.dumps(rows))
        return 0
    names = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    wanted = [name for name in names if options.only in (None, name)]
    if not wanted:
        print(f"no bench is called {options.only!r}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    rows = [row for name in wanted for row in run_alone(name, quick=options.quick)]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0 if all(row["passed"] for row in rows) else 1


def run_alone(name: str, *, quick: bool) -> list[dict[str, Any]]:
    """The rows of one bench, run in a fresh process so that no bench warms or fills memory for another."""
    command = [sys.executable, "-m", "tests.bench", "--one", name] + (["--quick"] if quick else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        rows = [
            {"name": name, "value": f"broke (exit {done.returncode})", "target": "", "passed": False, "detail": ""}
        ]
    else:
        rows = json.loads(done.stdout.splitlines()[-1])
    for row in rows:
        mark = "met" if row["passed"] else "MISSED"
        print(f"{mark:7}{row['name']}: {row['value']}  (target {row['target']})  {row.get('detail', '')}", flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
