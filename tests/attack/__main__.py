"""Attack taxonaut and say what was lost: docs/reliability.md has the promises and the figures.

    python tests/attack histories 2000 --seed 1

Models are scripted, or a small server on this machine. Ctrl-C ends an attack with what it found so far. Exit code 1:
something was lost.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ATTACKS = {
    "histories": "N random histories of changes: undone, reopened, exported and imported",
    "callers": "N callers at a time with equal item ids and different texts",
    "inputs": "N broken files, each given to a command that reads",
    "kills": "N processes killed at random moments",
    "processes": "N processes killed that hold a workspace which others read and write",
}


def main() -> int:
    """Run one attack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    attacks = parser.add_subparsers(dest="attack", required=True)
    for name, line in ATTACKS.items():
        attack = attacks.add_parser(name, help=line, description=line)
        attack.add_argument("count", type=int, metavar="N")
        attack.add_argument("--seed", type=int, default=1, help="of what is drawn [default: 1]")
    options = parser.parse_args()
    sys.path[0] = str(TESTS)
    sys.path += [str(TESTS / name) for name in ("graphs", "servers", "conversation")]
    os.environ["TAXONAUT_TRUST"] = "1"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore Ctrl-C
    started = time.monotonic()
    report, end = import_module("attack.report").Report(), ""
    with tempfile.TemporaryDirectory(prefix="taxonaut-attack-") as folder:
        try:
            import_module(f"attack.{options.attack}").run(options.count, options.seed, Path(folder), report)
        except KeyboardInterrupt:
            end = "interrupted, "
    seconds = time.monotonic() - started
    print(report.table())
    print(
        f"{options.attack} {options.count}, seed {options.seed}: {end}{seconds:.0f} s, {len(report.losses)} lost"
    )
    return 1 if report.losses else 0


if __name__ == "__main__":
    sys.exit(main())
