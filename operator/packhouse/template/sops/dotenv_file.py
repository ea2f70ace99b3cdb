"""Encrypted files of lines KEY=value, in which sops flattens what it writes of itself.

Pure but for the opening that is handed in.
"""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.sops import metadata
from packhouse.template.sops.errors import refused
from packhouse.template.sops.keys import Keys
from packhouse.template.sops.opening import Opening

_PREFIX: Final = f"{metadata.KEY}_"
_MAP: Final = "__map_"
_LIST: Final = "__list_"
_ENTRIES_MOST: Final = 1000


def decrypt(file: str, text: str, keys: Keys) -> bytes:
    """Raises TemplateFailed, UnsupportedStep."""
    lines: list[tuple[str | None, str]] = []  # key and value; None: a comment
    told: dict[str, str] = {}
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if not line:
            continue
        if line.startswith("#"):
            lines.append((None, line[1:]))
        elif not equals:
            raise refused(file, "a line is neither a comment nor KEY=value")
        elif key.startswith(_PREFIX):
            told[key.removeprefix(_PREFIX)] = value.replace("\\n", "\n")
        else:
            lines.append((key, value.replace("\\n", "\n")))
    read = metadata.read(file, _tree(told) or None)
    opening = Opening(file, read, keys.data_key(file, read))
    plain = [_line(opening, key, value) for key, value in lines]
    opening.check()
    return "".join(f"{line}\n" for line in plain).encode(errors="replace")


def _line(opening: Opening, key: str | None, value: str) -> str:
    if key is None:
        comment = opening.comment([()], value)
        return "#" + (value if comment is None else comment).replace("\n", "\\n")
    leaf = opening.leaf((key,), value, value.encode(errors="replace"))
    spelled = value if leaf is None else leaf.text
    return key + "=" + spelled.replace("\n", "\\n")


def _tree(flat: dict[str, str]) -> dict[str, Any]:
    """`age__list_0__map_enc` is the key enc of the first entry of the list age."""
    tree: dict[str, Any] = {}
    lists: dict[str, dict[int, dict[str, str]]] = {}
    for key, value in flat.items():
        name, is_list, rest = key.partition(_LIST)
        number, _, inner = rest.partition(_MAP)
        if is_list and number.isdecimal() and int(number) < _ENTRIES_MOST:
            lists.setdefault(name, {}).setdefault(int(number), {})[inner] = value
        else:
            tree[key] = value
    return tree | {name: [entries[number] for number in sorted(entries)] for name, entries in lists.items()}
