"""`packhouse` and `kubectl package`: the list of verbs, and nothing else.

A verb's module is imported only when that verb is called, or when all are listed: some of them take half a second.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

#: Each is a module of this folder, with a command of the same name, or an `app` where it has verbs of its own.
VERBS: Final = ("operator", "renderer", "uninstall", "bundle")
#: Those that read their words themselves (`main(words)`), since they are called often and must begin at once.
QUICK: Final = ("ytt",)


def run() -> None:
    words = sys.argv[1:]
    first = words[0] if words else ""
    if first in QUICK:
        sys.exit(import_module(f"packhouse.cli.{first}").main(words[1:]))
    from packhouse.cli.application import application  # typer takes longer than all of that

    application([first] if first in VERBS else [] if words == ["--version"] else [*VERBS, *QUICK])()


if __name__ == "__main__":
    run()
