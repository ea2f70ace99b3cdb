"""What a package takes as values, and what the caller gives: keys, a file to begin with, `--set`, and the check.

Called by the verbs that show, write or send values. Values are held against the schema as the operator will do it, and
those that only ytt can compute are computed first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from packhouse.api.errors import ValuesInvalid, ValuesSchemaInvalid
from packhouse.api.views import InstalledPackage, Package
from packhouse.client.bounded import at_most
from packhouse.client.session import Session
from packhouse.domain.values_keys import Row, rows
from packhouse.ports import Json, ValuesDocument

if TYPE_CHECKING:
    from packhouse.client.values_text import Given

__all__ = [
    "Finding",
    "Row",
    "checked",
    "checked_together",
    "default_values",
    "findings",
    "rows",
    "values_of",
    "with_sets",
]

#: A schema may be made so that a check of it has no end.
_SECONDS: Final = 10.0
_TOO_LONG: Final = ValuesSchemaInvalid(
    f"the package's valuesSchema takes longer than {_SECONDS:g} s to check; tell the author of the package"
)
_SHOWN: Final = 10
#: A text that says itself where its first document begins.
_BEGINS: Final = re.compile(r"(?:[ \t]*(?:#.*)?\n)*---")
#: Values in words of ytt, which take the place of others or are new.
_OVER: Final = "#@overlay/match missing_ok=True\n{indent}#@overlay/replace or_add=True\n{indent}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with values, or may be: `path` as in a.b[0]; `line` where it is known."""

    source: str
    line: int | None
    path: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {'warning: ' if self.is_warning else ''}{self.message}"


def default_values(schema: Json) -> str:
    """A file of values to begin with: every key with its default and what is said of it."""
    from packhouse.domain import values_template  # yaml

    return values_template.default_values(schema)


def with_sets(schema: Json, text: str | None, sets: Sequence[str], *, source: str = "the values") -> str:
    """The text with `a.b=c` laid over it, typed by the schema. Raises ValuesInvalid.

    A text of plain values stays as it is, and gets a document more; it needs no mark of ytt then, for plain values may
    bring any key. A template gets one with that mark.
    """
    if not sets:
        return text if text is not None else "{}\n"
    from packhouse.client.values_text import MARK
    from packhouse.domain import values
    from packhouse.domain.values_sets import layer

    given = _read(source, text or "", has_ytt=True)
    over = layer(schema, given.values, sets)
    if not text or not text.strip():
        return _yaml(over)
    if values.has_code(text):
        return f"{_ended(text)}#@data/values\n---\n{''.join(_overlay(over, ''))}"
    return f"{_ended(MARK.sub('', text))}---\n{_yaml(over)}"


async def checked(session: Session, package: Json, source: str, text: str) -> list[str]:
    """Warnings. `package`: a whole Package; `source`: what messages call the text.

    Raises ValuesInvalid with source, line, path and the nearest key; ValuesSchemaInvalid.
    """
    return await checked_together(session, package, [ValuesDocument(source, text)])


async def checked_together(session: Session, package: Json, documents: Sequence[ValuesDocument]) -> list[str]:
    """As `checked`, for texts of which each lies over those before it."""
    found = findings_together(package, documents)
    wrong = [finding for finding in found if not finding.is_warning]
    if wrong and session.settings.values_schema_check == "enforce":
        raise _refusal(Package.from_wire(package), wrong)
    return [str(finding) for finding in found]


def findings(package: Json, source: str, text: str) -> list[Finding]:
    """All that is wrong with values, and what may be. Raises ValuesInvalid for what is no YAML, ValuesSchemaInvalid.

    The operator leaves values that are templates to ytt: of those, all is a warning.
    """
    return findings_together(package, [ValuesDocument(source, text)])


def findings_together(package: Json, documents: Sequence[ValuesDocument]) -> list[Finding]:
    view = Package.from_wire({"metadata": {"name": "", "uid": ""}, **package})
    has_ytt = any("ytt" in step for step in view.template)
    given = [(document.source, _read(document.source, document.text, has_ytt=has_ytt)) for document in documents]
    unknown = [source for source, one in given if not one.is_known]
    if unknown:
        why = "not checked: they use code of the package, which only its rendering has"
        return [Finding(unknown[0], None, "", why, is_warning=True)]
    return examined(view.values_schema, given) if view.values_schema is not None else []


def examined(schema: Json, given: Sequence[tuple[str, Given]]) -> list[Finding]:
    """`given`: texts by what they are called, each over those before it."""
    from packhouse.domain import values
    from packhouse.domain.values_schema import Prepared

    merged = values.merge([one.values for _, one in given])
    with at_most(_SECONDS, _TOO_LONG):
        prepared = Prepared(schema)
        violations, unnamed = prepared.violations(merged), prepared.unknown(merged)
    is_computed = any(one.is_computed for _, one in given)
    found = [Finding(*_place(given, one.path), one.path, str(one), is_warning=is_computed) for one in violations]
    found += [Finding(*_place(given, one.path), one.path, str(one), is_warning=True) for one in unnamed]
    return sorted(found, key=lambda finding: finding.line or 0)


def _place(given: Sequence[tuple[str, Given]], path: str) -> tuple[str, int | None]:
    """Where the path was said last, else what is above it."""
    exact = [(source, one.lines[path]) for source, one in given if path in one.lines]
    above = [(source, line) for source, one in given if (line := one.line(path)) is not None]
    return [*above, *exact][-1] if above or exact else (given[-1][0], None)


async def values_of(session: Session, install: Json) -> str:
    """The values that an install is given, as one text that gives them again: its Secrets in their order.

    Several texts become plain documents, unless ytt has to compute one. Raises ValuesMissing, Forbidden.
    """
    from packhouse.client.values_text import MARK
    from packhouse.domain import values
    from packhouse.reconcile.values import read_values

    documents, _ = await read_values(session.cluster, InstalledPackage.from_wire(install))
    texts = [_ended(document.text) for document in documents]
    if len(texts) > 1 and not any(map(values.has_code, texts)):
        texts = [MARK.sub("", text) for text in texts]
    return "".join(text if not at or _BEGINS.match(text) else f"---\n{text}" for at, text in enumerate(texts))


def _refusal(package: Package, wrong: Sequence[Finding]) -> ValuesInvalid:
    """The first on the line that says what happened, all of them where there are more."""
    name = f"{package.public_name}/{package.version}"
    count = "" if len(wrong) == 1 else f" ({len(wrong)} mistakes)"
    more = [str(finding) for finding in wrong[1:_SHOWN]]
    if len(wrong) > _SHOWN:
        more.append(f"and {len(wrong) - _SHOWN} more")
    lever = f"see what it takes with: packhouse package available get {name} --values-schema"
    return ValuesInvalid("\n".join([f"{wrong[0]}{count}; {lever}", *more]))


def _read(source: str, text: str, *, has_ytt: bool) -> Given:
    from packhouse.client.values_text import read

    return read(source, text, has_ytt=has_ytt)


def _overlay(values: Json, indent: str) -> Iterator[str]:
    """As an overlay of ytt: maps are merged, all else is replaced, and any key may be new."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}#@overlay/match missing_ok=True\n{indent}{_yaml({key: 0}).removesuffix(' 0' + chr(10))}\n"
            yield from _overlay(value, f"{indent}  ")
        else:
            yield indent + _OVER.format(indent=indent) + _indented(_yaml({key: value}), indent)


def _indented(text: str, indent: str) -> str:
    return text.replace("\n", f"\n{indent}").removesuffix(indent)


def _yaml(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False))


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
