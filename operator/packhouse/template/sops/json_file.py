"""Encrypted JSON, and files of any content, which sops wraps into JSON.

Pure but for the opening that is handed in. The order of keys stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from packhouse.template.sops import metadata
from packhouse.template.sops.errors import refused
from packhouse.template.sops.go_scalars import floating
from packhouse.template.sops.keys import Keys
from packhouse.template.sops.opening import Leaf, Opening

_DATA: Final = "data"
_LEFT_OUT: Final = object()
_MOST: Final = 2**63


def decrypt(file: str, text: str, keys: Keys) -> bytes:
    """Raises TemplateFailed, UnsupportedStep."""
    try:
        return _decrypted(file, text, keys)
    except RecursionError:
        raise refused(file, "it nests too deep to be read") from None


def _decrypted(file: str, text: str, keys: Keys) -> bytes:
    opening, tree = _open(file, text, keys)
    plain = {key: opened for key, value in tree.items() if (opened := _opened(opening, (key,), value)) is not _LEFT_OUT}
    opening.check()
    return (json.dumps(plain, indent="\t", ensure_ascii=False) + "\n").encode(errors="replace")


def decrypt_whole(file: str, text: str, keys: Keys) -> bytes:
    """The same for a file of any content. Raises TemplateFailed, UnsupportedStep."""
    opening, tree = _open(file, text, keys)
    whole: bytes | None = None
    for key, value in tree.items():
        leaf = opening.leaf((key,), value, str(value).encode(errors="replace"))
        if key == _DATA:
            whole = leaf.content if leaf is not None else str(value).encode(errors="replace")
    opening.check()
    if whole is None:
        raise refused(file, f"it has no key {_DATA}, which holds the whole content of such a file")
    return whole


def _open(file: str, text: str, keys: Keys) -> tuple[Opening, dict[str, Any]]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise refused(file, "a key stands twice in its map")
        return found

    try:
        tree = json.loads(text, object_pairs_hook=unique, parse_int=_integer, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise refused(file, "it is no JSON") from None
    if not isinstance(tree, dict):
        raise refused(file, "it is no map, which every file of sops is")
    told = metadata.read(file, tree.pop(metadata.KEY, None))
    return Opening(file, told, keys.data_key(file, told)), tree


def _integer(digits: str) -> int | float:
    number = int(digits) if len(digits) < 20 else float(digits)
    return number if -_MOST <= number < _MOST else float(number)


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


def _opened(opening: Opening, path: Sequence[str], value: Any) -> Any:
    if isinstance(value, dict):
        return dict(_kept((key, _opened(opening, (*path, key), item)) for key, item in value.items()))
    if isinstance(value, list):  # the place in a list is no part of the path
        return [item for _, item in _kept(("", _opened(opening, path, item)) for item in value)]
    if value is None:
        return None
    leaf = opening.leaf(path, value, _in_sum(value))
    if leaf is None:
        return value
    return _LEFT_OUT if leaf.kind == "comment" else _value(opening, leaf)


def _kept(pairs: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    return ((key, item) for key, item in pairs if item is not _LEFT_OUT)


def _value(opening: Opening, leaf: Leaf) -> Any:
    try:
        match leaf.kind:
            case "int":
                return int(leaf.text)
            case "float":
                return float(leaf.text)
            case "bool":
                return leaf.text.lower() == "true"
    except ValueError:
        raise refused(opening.file, f"a value that says it is {leaf.kind} is none") from None
    return leaf.text


def _in_sum(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, float):
        return floating(value)
    return str(value).encode(errors="replace")
