"""The filters that manifests need, beside jinja2's own. docs/howto/templates-jinja2.md has a line for each.

A filter refuses in words that carry no value.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Final

import yaml
from jinja2 import Undefined

from packhouse.api.errors import TemplateFailed
from packhouse.domain.type_names import type_name
from packhouse.domain.yaml_text import load_all
from packhouse.template.jinja.problems import Refusal

_LIKE_A_NUMBER: Final = re.compile(r"[-+.]?[0-9][-+.0-9_eExXoOa-fA-F]*")


def to_yaml(value: Any) -> str:
    """Block style, keys in their order, no end of line behind it."""
    try:
        text = yaml.dump(_defined(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31 - 1)
    except yaml.YAMLError:
        raise Refusal(f"to_yaml: {type_name(value)} holds what YAML cannot say") from None
    return str(text).removesuffix("\n").removesuffix("\n...")


def to_json(value: Any, indent: int | None = None) -> str:
    try:
        return json.dumps(_defined(value), ensure_ascii=False, allow_nan=False, indent=indent)
    except (TypeError, ValueError):
        raise Refusal(f"to_json: {type_name(value)} holds what JSON cannot say") from None


def from_yaml(text: str) -> Any:
    """The first document; null for an empty text."""
    try:
        documents = load_all(_text("from_yaml", text), "the text", TemplateFailed)
    except TemplateFailed as error:
        raise Refusal(f"from_yaml: {error}") from None
    return documents[0][1] if documents else None


def from_json(text: str) -> Any:
    try:
        return json.loads(_text("from_json", text))
    except ValueError:
        raise Refusal("from_json: the text is no JSON") from None


def nindent(text: str, width: int) -> str:
    """A new line, then every line indented; empty lines stay empty."""
    pad = " " * width
    lines = _text("nindent", text).split("\n")
    return "\n" + "\n".join(pad + line if line else line for line in lines)


def b64encode(text: str) -> str:
    return base64.b64encode(_text("b64encode", text).encode()).decode()


def b64decode(text: str) -> str:
    try:
        return base64.b64decode(_text("b64decode", text), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refusal("b64decode: the text is no base64 of a text") from None


def sha256(text: str) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(_text("sha256", text).encode()).hexdigest()


def quote(value: Any) -> str:
    """In double quotes, escaped as YAML and JSON read it; numbers and booleans become texts."""
    value = _defined(value)
    if isinstance(value, dict | list):
        raise Refusal(f"quote: {type_name(value)} cannot be quoted; use to_json")
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return json.dumps(text, ensure_ascii=False)


def required(value: Any, message: str) -> Any:
    """The value; an error with your message where it is undefined, null or empty text."""
    if isinstance(value, Undefined) or value is None or value == "":
        raise Refusal(f"required: {message}")
    return value


def trunc(text: str, length: int) -> str:
    """The first `length` characters, the last ones for a negative length."""
    text = _text("trunc", text)
    return text[:length] if length >= 0 else text[length:]


def regex_replace(text: str, pattern: str, replacement: str = "", count: int = 0) -> str:
    try:
        return re.sub(pattern, replacement, _text("regex_replace", text), count=count)
    except (re.error, IndexError):
        raise Refusal("regex_replace: the pattern or the replacement is no regular expression") from None


def regex_match(text: str, pattern: str) -> bool:
    """True where the pattern matches at the beginning of the text."""
    try:
        return re.match(pattern, _text("regex_match", text)) is not None
    except re.error:
        raise Refusal("regex_match: the pattern is no regular expression") from None


def combine(value: Any, *others: Any) -> dict[str, Any]:
    """Maps merged in depth, the later one wins; lists are replaced."""
    merged: dict[str, Any] = {}
    for other in (value, *others):
        if not isinstance(_defined(other), dict):
            raise Refusal(f"combine: maps are expected, found {type_name(other)}")
        merged = _merged(merged, other)
    return merged


def _merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    both = dict(left)
    for key, value in right.items():
        before = both.get(key)
        both[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def _defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises what the undefined name deserves
    return value


def _text(name: str, value: Any) -> str:
    if isinstance(_defined(value), bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str):
        raise Refusal(f"{name}: a text is expected, found {type_name(value)}")
    return value


class _Dumper(yaml.CSafeDumper):
    """Texts that any YAML reader would take for a number are quoted, long ones are written as blocks, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text.rstrip("\n") else '"' if _LIKE_A_NUMBER.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text_node)

FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "to_yaml": to_yaml,
    "to_json": to_json,
    "from_yaml": from_yaml,
    "from_json": from_json,
    "nindent": nindent,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "sha256": sha256,
    "quote": quote,
    "required": required,
    "trunc": trunc,
    "regex_replace": regex_replace,
    "regex_match": regex_match,
    "combine": combine,
    "merge": combine,
}
