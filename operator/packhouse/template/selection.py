"""Which files of a package a step works on: `paths` are files, folders, globs, or "-" for the step before.

Pure. Called by the pipeline and the engines.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from packhouse.api.errors import TemplateFailed
from packhouse.template.documents import PREVIOUS

_MANIFESTS: Final = (".yml", ".yaml", ".json")
_GLOB: Final = re.compile(r"[*?\[]")
_GLOB_PARTS: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|[^*?\[]+|\[")


def manifest_name(path: str, suffixes: Sequence[str] = ()) -> bool:
    """True for .yml, .yaml and .json, with one of an engine's `suffixes` behind it or not."""
    for suffix in suffixes:
        path = path.removesuffix(suffix)
    return path.endswith(_MANIFESTS)


def visible(path: str) -> bool:
    """False below a folder or for a file that begins with a dot: .imgpkg and .github hold no manifests."""
    return not any(part.startswith(".") for part in path.split("/"))


def select(files: Iterable[str], paths: Sequence[str], step: str) -> list[str]:
    """The files that `paths` name, sorted, each once, without "-". No paths: all that no dot hides.

    Raises TemplateFailed for a path that names nothing.
    """
    names = sorted(files)
    if not paths:
        return [name for name in names if visible(name)]
    chosen: set[str] = set()
    for path in paths:
        if path == PREVIOUS:
            continue
        found = _below(names, path)
        if not found:
            raise TemplateFailed(
                f"template step {step}: path {path!r} names no file of the package{_near(names, path)}"
            )
        chosen.update(found)
    return sorted(chosen)


def below(files: Iterable[str], path: str, step: str) -> list[str]:
    """The file `path`, or all files below the folder `path` ("." is the top), sorted; dots hide nothing.

    What the engines of Carvel do with a path. Raises TemplateFailed for a path that names nothing or leads out.
    """
    wanted = plain(path)
    if wanted.startswith("../") or wanted == "..":
        raise TemplateFailed(f"template step {step}: path {path!r} leads out of the package's folder")
    names = sorted(files)
    if wanted == ".":
        return names
    found = [name for name in names if name == wanted or name.startswith(f"{wanted}/")]
    if not found:
        raise TemplateFailed(f"template step {step}: path {path!r} names no file of the package{_near(names, path)}")
    return found


def plain(path: str) -> str:
    """A path without what changes nothing of it: "./a//b/../c/" is "a/c"."""
    return posixpath.normpath(path.lstrip("/") or ".")


def glob(files: Iterable[str], pattern: str) -> list[str]:
    """The files that a pattern names: `*` and `?` stay within a folder, `**` crosses folders."""
    matches = re.compile(_expression(pattern)).fullmatch
    return sorted(name for name in files if matches(name))


def text(files: Mapping[str, bytes], path: str) -> str:
    """A file as text. Raises TemplateFailed where it is none."""
    try:
        return files[path].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateFailed(f"{path}: is no UTF-8 text (byte {error.start}); save it as UTF-8") from None


def nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, [word for word in known if word != name], 1, 0.6)), None)


def _below(names: Sequence[str], path: str) -> list[str]:
    plain = path.removeprefix("./").rstrip("/")
    if plain in ("", "."):
        return [name for name in names if visible(name)]
    exact = [name for name in names if name == plain or name.startswith(f"{plain}/")]
    if exact or not _GLOB.search(plain):
        return [name for name in exact if visible(name.removeprefix(plain))]
    return glob(names, plain)


def _near(names: Sequence[str], path: str) -> str:
    folders = {name.rsplit("/", depth)[0] + "/" for name in names for depth in range(1, name.count("/") + 1)}
    near = nearest(path, [*names, *sorted(folders)])
    return f" (did you mean {near!r}?)" if near else ""


def _expression(pattern: str) -> str:
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]", "[": re.escape("[")}
    expression = ""
    for part in _GLOB_PARTS.findall(pattern):
        if part in words:
            expression += words[part]
        elif part.startswith("["):
            inner = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            expression += f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
        else:
            expression += re.escape(part)
    return expression
