"""Replaces image references in a value, wherever the search rules find them, at any depth and inside of texts.

Pure. A value that came in is never changed: where nothing is replaced the same one goes out, else the maps and lists
on the way to the change are new.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NoReturn

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.yaml_text import load_all
from packhouse.template.kbld.rules import Path, Rule, Rules, Strategy
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.yaml import json as go_json
from packhouse.template.ytt.yaml import write as go_yaml

#: Gives what stands in the place of a reference, or the reference itself.
Replace = Callable[[str], str]

#: How often a text may hold a text that holds references.
NESTED_MOST: Final = 8


def rewrite(value: Any, rules: Rules, replace: Replace) -> Any:
    """The value with each reference that the rules find handed to `replace`. Raises what that raises."""
    visit = _Visit(rules, replace)
    if isinstance(value, dict):
        return visit.map(value, ())
    return visit.list(value, ()) if isinstance(value, list) else value


class _Visit:
    """One pass by one set of rules."""

    __slots__ = ("_by_path", "_replace", "_rules")

    def __init__(self, rules: Rules, replace: Replace) -> None:
        self._rules = rules
        self._replace = replace
        self._by_path = bool(rules.others)  # else the last key will do, and no path is made for each value

    def map(self, value: dict[Any, Any], path: Path) -> dict[Any, Any]:
        changed: dict[Any, Any] | None = None
        for key, old in value.items():
            new = self._any(old, (*path, key) if self._by_path else (key,))
            if new is not old:
                if changed is None:
                    changed = dict(value)
                changed[key] = new
        return value if changed is None else changed

    def list(self, value: list[Any], path: Path) -> list[Any]:
        changed: list[Any] | None = None
        for index, old in enumerate(value):
            new = self._any(old, (*path, index) if self._by_path else (index,))
            if new is not old:
                if changed is None:
                    changed = list(value)
                changed[index] = new
        return value if changed is None else changed

    def _any(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            rule = self._rules.find(path, value)
            return value if rule is None else self._text(rule, value)
        # no rule makes a reference of a map or a list: what stands in it may be one
        if isinstance(value, dict):
            return self.map(value, path)
        return self.list(value, path) if isinstance(value, list) else value

    def _text(self, rule: Rule, text: str) -> str:
        match rule.strategy:
            case Strategy.ENTIRE_VALUE:
                return self._replace(text)
            case Strategy.JSON:
                return self._inside_json(rule, text)
            case Strategy.YAML:
                return self._inside_yaml(rule, text)
            case Strategy.NONE:
                return text

    def _inside_json(self, rule: Rule, text: str) -> str:
        try:
            before = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return text  # what is no JSON holds no references
        after = self._nested(rule, before)
        if after is before:
            return text
        try:
            return go_json.encode(after)
        except YttError:  # half a character, that JSON can name and no text can hold
            return text

    def _inside_yaml(self, rule: Rule, text: str) -> str:
        """JSON stays JSON; else all documents are written anew, each behind its own line."""
        try:
            json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            pass
        else:
            return self._inside_json(rule, text)
        try:
            before = [value for _, value in load_all(text, "a text", RenderedInvalid) if value is not None]
        except RenderedInvalid:
            return text
        after = [self._nested(rule, value) for value in before]
        if all(new is old for new, old in zip(after, before, strict=True)):
            return text
        try:
            return "".join(f"---\n{go_yaml.encode(_sorted(value))}" for value in after)
        except YttError:
            return text

    def _nested(self, rule: Rule, value: Any) -> Any:
        return rewrite(value, Rules.of(rule.nested), self._replace)


def _sorted(value: Any) -> Any:
    """Maps in the order of their keys, as the original writes them."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
