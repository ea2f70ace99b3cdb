"""`@ytt:version`: templates that need a certain version of the original say so with `require_at_least`."""

from __future__ import annotations

import re
from typing import Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import one_text
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread

#: The version of the original whose behaviour this folder has.
YTT_VERSION: Final = "0.46.0"
_OURS = tuple(int(part) for part in YTT_VERSION.split("."))

_NUMBER = r"(0|[1-9][0-9]*)"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_MOST = 2**63 - 1
#: The longest version that is looked at. The original has no limit; matching takes time by the length.
_LONGEST = 1024


def _require_at_least(thread: Thread, args: Args, kwargs: Kwargs) -> None:
    wanted = one_text(args)
    match = _SEMVER.fullmatch(wanted) if len(wanted) <= _LONGEST else None
    if match is None:
        raise EvalError(f"version string '{wanted}' must be a valid semver")
    numbers = []
    for part in match.groups():
        if len(part) > 19 or int(part) > _MOST:
            raise EvalError(f'Error parsing version: strconv.ParseInt: parsing "{part}": value out of range')
        numbers.append(int(part))
    # Ours is no pre-release, so that one of the same numbers is older, and what was built does not count.
    if tuple(numbers) > _OURS:
        raise EvalError(f"ytt version '{YTT_VERSION}' does not meet the minimum required version '{wanted}'")


VERSION: Final = Module("version", {"require_at_least": Builtin("version.require_at_least", _require_at_least)})
