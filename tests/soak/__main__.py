"""Pods churn on a real cluster, and nothing may be left of them: `python -m tests.soak --minutes 60`."""

from __future__ import annotations

import argparse
import sys

from tests.soak.run import soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long pods churn (default: 60)")
    parser.add_argument("--pods", type=int, default=50, help="how many at a time (default: 50)")
    parser.add_argument("--rounds", type=int, default=20, help="how often all are taken away and counted (default: 20)")
    arguments = parser.parse_args()
    found = soak(arguments.minutes * 60, arguments.pods, arguments.rounds)
    print("\n".join(f"LEAK {line}" for line in found) or "nothing leaks")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
