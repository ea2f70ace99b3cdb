"""Decides which version of a chart a constraint takes, as helm reads it.

Called by fetch/. The ranges are those of constraints.py and, beyond them, what charts' users know from helm: hyphen
ranges, `~>`, `=>` and `=<`, a comparison without an operator that names a series. Prereleases take part only where
their part of the constraint names one itself (`>=1.0.0-0`); a version that is named exactly is taken whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from packhouse.api.errors import InvalidConstraint, NoMatchingVersion
from packhouse.domain import constraints, precedence
from packhouse.domain.constraints import quote
from packhouse.domain.precedence import Parsed

_HYPHEN: Final = re.compile(r"(?<![^\s,])v?([0-9][^\s,]*)\s+-\s+v?([0-9][^\s,]*)")
_SPELLINGS: Final = (("~>", "~"), ("=>", ">="), ("=<", "<="))
_NAMES_PRERELEASE: Final = re.compile(r"[0-9]-[0-9A-Za-z]")
_SHORT_PRERELEASE: Final = re.compile(
    r"(?<![0-9A-Za-z.+-])(?P<operator>[<>=!~^]*)\s*v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?P<rest>-[0-9A-Za-z.-]+)"
)
_BUILD: Final = re.compile(r"\+[0-9A-Za-z.-]*")
_SHORT: Final = re.compile(r"v?[0-9]+(?:\.[0-9]+)?")


def is_exact(wanted: str) -> bool:
    """Whether the text is one whole version, no constraint."""
    return precedence.parse(wanted) is not None


def select(versions: Sequence[str], wanted: str) -> str:
    """The highest of `versions` that `wanted` takes, as it is written there; "" takes the highest release.

    Texts that are no version are skipped. Raises NoMatchingVersion and InvalidConstraint.
    """
    if wanted in versions:
        return wanted
    if len(wanted) > constraints.CONSTRAINT_LENGTH_MOST:
        raise InvalidConstraint(
            f"a constraint of {len(wanted)} characters: at most {constraints.CONSTRAINT_LENGTH_MOST} are read"
        )
    alternatives = [_alternative(part) for part in (wanted.strip() or "*").split("||")]
    known = [(parsed.key, text, parsed) for text in versions if (parsed := _parsed(text)) is not None]
    taken = [entry for entry in known if any(_takes(alternative, entry[2]) for alternative in alternatives)]
    if not taken:
        raise NoMatchingVersion(_explain(known, wanted, alternatives))
    return max(taken, key=_order)[1]


def _alternative(text: str) -> tuple[constraints.Constraint, bool]:
    """What is between two `||`, and whether prereleases may take part."""
    plain = _HYPHEN.sub(r">=\1 <=\2", text.strip())
    for spelling, ours in _SPELLINGS:
        plain = plain.replace(spelling, ours)
    plain = _SHORT_PRERELEASE.sub(_padded, _BUILD.sub("", plain))
    return constraints.parse(plain), _NAMES_PRERELEASE.search(plain) is not None


def _padded(found: re.Match[str]) -> str:
    """One or two numbers with a prerelease (`>=1-0`), which constraints.py does not read: where they stand for a
    series it ends before the next one."""
    major, minor = int(found["major"]), found["minor"]
    low = f"{major}.{minor or 0}.0{found['rest']}"
    end = f"{major + 1}.0.0-0" if minor is None else f"{major}.{int(minor) + 1}.0-0"
    match found["operator"]:
        case "" | "=" | "~":
            return f">={low} <{end}"
        case "<=":
            return f"<{end}"
        case ">":
            return f">={end}"
        case operator:
            return f"{operator}{low}"


def _takes(alternative: tuple[constraints.Constraint, bool], version: Parsed) -> bool:
    constraint, prereleases = alternative
    return (prereleases or not version.is_prerelease) and constraint.holds(version)


def _parsed(text: str) -> Parsed | None:
    """As constraints see it: without its build. Chart indexes know versions of one or two numbers, too."""
    text = text.partition("+")[0]
    if _SHORT.fullmatch(text):
        text = ".".join([*text.split("."), "0", "0"][:3])
    return precedence.parse(text)


def _explain(
    known: Sequence[tuple[precedence.Key, str, Parsed]],
    wanted: str,
    alternatives: Sequence[tuple[constraints.Constraint, bool]],
) -> str:
    message = f"no chart version of {len(known)} satisfies {quote(wanted.strip() or '*')}"
    held_back = [entry for entry in known if any(constraint.holds(entry[2]) for constraint, _ in alternatives)]
    if held_back:
        top = max(held_back, key=_order)[1]
        return f"{message}: {top} is a prerelease; name it, or write the constraint with one (>=0.0.0-0)"
    return f"{message}: highest is {max(known, key=_order)[1]}" if known else message


def _order(entry: tuple[precedence.Key, str, Parsed]) -> tuple[precedence.Key, precedence.Key, str]:
    """By version; builds of one version by their own order."""
    whole = precedence.parse(entry[1])
    return entry[0], whole.key if whole is not None else entry[0], entry[1]
