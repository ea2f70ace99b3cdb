"""Which values jinja2 templates use, as far as their texts say it: `values.a.b`, `values["a"]`, `values.a.get("b")`.

A name that a template computes is not followed: then all below the place that it is looked up in counts as used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, TemplateSyntaxError, nodes

from packhouse.api.errors import TemplateFailed
from packhouse.ports import Json
from packhouse.template import selection
from packhouse.template.documents import PREVIOUS

_ROOT: Final = "values"
_SUFFIXES: Final = (".j2", ".jinja2")
#: Methods of maps. A key of that name comes before them, unless it is called.
_METHODS: Final = frozenset({"items", "keys", "values", "get", "copy"})


@dataclass(frozen=True, slots=True)
class Use:
    """A place of the values that a template names; what is below it counts as used, too."""

    file: str
    line: int
    path: tuple[str, ...]


def uses(texts: Mapping[str, str], steps: Sequence[Json]) -> list[Use] | None:
    """All of the package; None where no step is jinja2, or a template cannot be read or names its parts by values."""
    waiting = _manifests(texts, steps)
    if waiting is None:
        return None
    environment, seen, found = Environment(autoescape=False), set[str](), list[Use]()  # noqa: S701 - nothing is rendered
    while waiting:
        name = waiting.pop()
        if name in seen or name not in texts:
            continue
        seen.add(name)
        try:
            tree = environment.parse(texts[name])
        except TemplateSyntaxError:
            return None
        parts = _parts(tree)
        if parts is None or any(one.name == _ROOT and one.ctx != "load" for one in tree.find_all(nodes.Name)):
            return None  # `values` may stand for something else, or be used where nobody looked
        waiting += [path for path in texts if any(_leads(name, word, path) for word in parts)]
        found += _walk(tree, name)
    return sorted(found, key=lambda use: (use.file, use.line, use.path))


def _parts(tree: nodes.Template) -> list[str] | None:
    """The files that a template includes or imports; None where a name of them is computed."""
    kinds = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    found: list[Any] = [part for kind in kinds for part in tree.find_all(kind)]
    named = [_named(part.template) for part in found]
    return None if None in named else [word for words in named for word in words or ()]


def _manifests(texts: Mapping[str, str], steps: Sequence[Json]) -> list[str] | None:
    """The templates that the steps begin with."""
    names: list[str] = []
    options = [step["jinja2"] or {} for step in steps if "jinja2" in step]
    for place, one in enumerate(options):
        paths = [path for path in one.get("paths") or () if path != PREVIOUS]
        if place and not paths:
            continue
        try:
            chosen = selection.select(texts, paths, "jinja2")
        except TemplateFailed:
            return None
        names += [name for name in chosen if selection.manifest_name(name, _SUFFIXES)]
    return names if options else None


def _named(template: nodes.Node) -> list[str] | None:
    """The files that an include names; None where they are computed."""
    if isinstance(template, nodes.Const):
        return [template.value] if isinstance(template.value, str) else list(template.value)
    if isinstance(template, nodes.List | nodes.Tuple):
        parts = [_named(item) for item in template.items]
        return None if any(part is None for part in parts) else [name for part in parts for name in part or ()]
    return None


def _leads(from_file: str, word: str, path: str) -> bool:
    if word.startswith(("./", "../")):
        return selection.plain(f"{from_file.rpartition('/')[0]}/{word}") == path
    return word == path


def _walk(node: nodes.Node, file: str) -> Iterator[Use]:
    chain = _chain(node)
    if chain is not None:
        path, rest = chain
        yield Use(file, node.lineno, path)
        for one in rest:
            yield from _walk(one, file)
        return
    for child in node.iter_child_nodes():
        yield from _walk(child, file)


def _chain(node: nodes.Node) -> tuple[tuple[str, ...], list[nodes.Node]] | None:
    """The path that a node names below the values, and the nodes beside it; None where it begins elsewhere."""
    match node:
        case nodes.Name(name=name) if name == _ROOT:
            return (), []
        case nodes.Getattr(node=inner, attr=attr):
            chain = _chain(inner)
            return chain and ((*chain[0], attr), chain[1]) if not _is_end(chain) else chain
        case nodes.Getitem(node=inner, arg=arg):
            chain = _chain(inner)
            if chain is None or _is_end(chain):
                return chain
            if isinstance(arg, nodes.Const) and isinstance(arg.value, str):
                return (*chain[0], arg.value), chain[1]
            return chain[0], [*chain[1], arg, _END]
        case nodes.Call(node=nodes.Getattr(node=inner, attr=attr), args=args) if attr in _METHODS:
            chain = _chain(inner)
            if chain is None or _is_end(chain):
                return chain
            if attr == "get" and args and isinstance(args[0], nodes.Const) and isinstance(args[0].value, str):
                return (*chain[0], args[0].value), [*chain[1], *args[1:]]
            return chain[0], [*chain[1], *args, _END]
    return None


#: Behind it a path is no longer followed.
_END: Final = nodes.Const(None)


def _is_end(chain: tuple[tuple[str, ...], list[nodes.Node]] | None) -> bool:
    return chain is not None and any(one is _END for one in chain[1])
