"""What is given to a rendering: files, data values, options. The template step and the command fill them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file, in the order in which files are given. `path` is relative, with "/": it decides what the file is."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class DataValues:
    """Values from outside the files, in the order in which they win: the later over the earlier.

    A key may begin with a library: "@lib~alias:key.sub=1", "@lib:values.yml".
    """

    #: Plain values files: (name as given, text). The name may begin with a library.
    files: tuple[tuple[str, str], ...] = ()
    #: Prefixes of environment variables whose values are strings, and those whose values are YAML.
    env_strings: tuple[str, ...] = ()
    env_yaml: tuple[str, ...] = ()
    #: The variables that these prefixes are looked up in.
    environ: Mapping[str, str] = field(default_factory=dict)
    #: "key.sub=value", the value as a string; then as YAML.
    strings: tuple[str, ...] = ()
    yaml: tuple[str, ...] = ()
    #: ("key.sub=path as given", the text of that file): the text is the value.
    from_files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    ignore_unknown_comments: bool = False
    implicit_map_key_overrides: bool = False
    strict: bool = False
    #: "path:key=value", e.g. "config/**/*:type=text-plain".
    file_marks: tuple[str, ...] = ()
    skip_validations: bool = False
