"""What `load("@ytt:name", "name")` gives: one file for each module, and the table of those that no execution changes.

A module is imported when a template loads it first. `data`, `library` and `template` belong to an execution and are
not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from packhouse.template.ytt.values import Module

#: By the name in `load`: the file, and what it is called in there.
_PLACES: Final = {
    "assert": ("packhouse.template.ytt.modules.assert_", "ASSERT"),
    "base64": ("packhouse.template.ytt.modules.base64", "BASE64"),
    "ip": ("packhouse.template.ytt.modules.ip", "IP"),
    "json": ("packhouse.template.ytt.modules.json", "JSON"),
    "math": ("packhouse.template.ytt.modules.math", "MATH"),
    "md5": ("packhouse.template.ytt.modules.digests", "MD5"),
    "module": ("packhouse.template.ytt.modules.struct", "MODULE"),
    "overlay": ("packhouse.template.ytt.overlay.module", "OVERLAY"),
    "regexp": ("packhouse.template.ytt.modules.regexp", "REGEXP"),
    "sha256": ("packhouse.template.ytt.modules.digests", "SHA256"),
    "struct": ("packhouse.template.ytt.modules.struct", "STRUCT"),
    "toml": ("packhouse.template.ytt.modules.toml", "TOML"),
    "url": ("packhouse.template.ytt.modules.url", "URL"),
    "version": ("packhouse.template.ytt.modules.version", "VERSION"),
    "yaml": ("packhouse.template.ytt.modules.yaml", "YAML"),
}


class _Table(Mapping[str, Module]):
    """Modules by name; `in`, `len` and the names themselves import nothing."""

    def __getitem__(self, name: str) -> Module:
        file, attribute = _PLACES[name]
        module = getattr(import_module(file), attribute)
        if not isinstance(module, Module):
            raise TypeError(f"{file}.{attribute} is no module for templates")
        return module

    def __contains__(self, name: object) -> bool:
        return name in _PLACES

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


MODULES: Final[Mapping[str, Module]] = _Table()
