"""What a value of YAML or JSON is, in the words that messages use for it. Pure; names types, never content."""

from __future__ import annotations

from typing import Any, Final

_NAMES: Final = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a map",
    type(None): "null",
}


def type_name(value: Any) -> str:
    return _NAMES.get(type(value), f"a {type(value).__name__}")
