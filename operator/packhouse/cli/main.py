"""`packhouse` and `kubectl package`: where the command line begins. The words stand in tree.py."""

from __future__ import annotations

import sys
from importlib import import_module

from packhouse.cli.tree import COMPLETES, PACKAGE, QUICK, ROOT


def run() -> None:
    words = sys.argv[1:]
    if words[:1] == [QUICK]:
        sys.exit(import_module(f"packhouse.cli.{QUICK}").main(words[1:]))
    if words[:1] == [COMPLETES]:
        sys.exit(import_module("packhouse.cli.complete").main(words[1:]))
    from packhouse.cli.application import root  # typer takes longer than all of that

    root(ROOT, "packhouse")(prog_name="packhouse")


def plugin() -> None:
    """What kubectl calls for `kubectl package`."""
    from packhouse.cli.application import root

    root(PACKAGE, "package")(prog_name="kubectl package")


if __name__ == "__main__":
    run()
