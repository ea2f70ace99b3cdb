"""What the original's template tool prints, as cases: real packages rendered by it, and its own small tests; and a few
words for tests that render files of their own.

The folder is found as all conformance data is (`conformance.FOLDER`). Nothing is copied from it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import conformance
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.modules.version import YTT_VERSION
from packhouse.template.ytt.nodes import DocumentSet
from packhouse.template.ytt.workspace.render import DataValues, InputFile, Options, render
from packhouse.template.ytt.yaml.write import write

#: Between a template and what is expected of it: of text templates, and of the others.
SEPARATORS = {"texttemplate": "\n+++\n"}
SEPARATOR = "\n+++\n\n"

_NUMBERED = re.compile(r"__ytt_tpl\d+_")
_OWN_CODE = re.compile(r"\n +assert\.\w+:[?\d]+ \| .*(\(unavailable\)|\(generated\)\n +stdin:1 \| .*)")


@dataclass(frozen=True, slots=True)
class PackageCase:
    """`ytt -f config` in a bundle. `name` is PACKAGE@VERSION or PACKAGE@VERSION@VALUES."""

    name: str
    expected: Path

    @property
    def is_refused(self) -> bool:
        return self.expected.suffix == ".err"

    @property
    def files(self) -> list[InputFile]:
        package, version, *_ = self.name.split("@")
        return bundle_files(folder() / "packages" / package / version / "bundle" / "config")

    @property
    def values(self) -> DataValues:
        names = self.name.split("@")[2:]
        texts = [(f"{name}.yml", (folder() / "values" / f"{name}.yml").read_text()) for name in names]
        return DataValues(files=tuple(texts))

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class FileCase:
    """A template and what is expected of it: a text, positions ("OUTPUT POSITION:") or a message ("ERR:")."""

    name: str
    template: str
    expected: str

    @property
    def message(self) -> str | None:
        """None where the template is right. Ends of lines are not compared."""
        text = self.expected.removeprefix("\n")
        if not text.startswith("ERR:"):
            return None
        return comparable(text.removeprefix("ERR:").removeprefix(" "))

    def __str__(self) -> str:
        return self.name


def package_cases() -> list[PackageCase]:
    if conformance.FOLDER is None:
        return []
    files = sorted((folder() / "expected").iterdir())
    return [PackageCase(file.name.rpartition(".")[0], file) for file in files if file.suffix in (".yml", ".err")]


def file_cases(group: str) -> list[FileCase]:
    """`group` is a folder of `ytt-filetests`."""
    if conformance.FOLDER is None:
        return []
    root = folder() / "ytt-filetests" / group
    separator = SEPARATORS.get(group, SEPARATOR)
    return [_file_case(root, file, separator) for file in sorted(root.rglob("*")) if file.is_file()]


def _file_case(root: Path, file: Path, separator: str) -> FileCase:
    template, _, expected = file.read_bytes().decode().partition(separator)
    return FileCase(str(file.relative_to(root)), template, expected)


def bundle_files(root: Path) -> list[InputFile]:
    """All files below, in the order in which the original takes those of one folder."""
    files = [(file.relative_to(root).as_posix(), file) for file in root.rglob("*") if file.is_file()]
    return [InputFile(path, file.read_bytes()) for path, file in sorted(files)]


def files_of(texts: Mapping[str, str]) -> list[InputFile]:
    """Files by path, in their order."""
    return [InputFile(path, text.encode()) for path, text in texts.items()]


def printed(texts: Mapping[str, str], values: DataValues | None = None, options: Options | None = None) -> str:
    """What standard output shows for these files."""
    rendered = render(files_of(texts), values or DataValues(), options or Options())
    return text_of(rendered.documents)


def text_of(documents: DocumentSet) -> str:
    return write(documents.items)


def refusal(texts: Mapping[str, str], values: DataValues | None = None, options: Options | None = None) -> str:
    """The message with which they are refused."""
    with pytest.raises(YttError) as raised:
        printed(texts, values, options)
    return raised.value.message


def folder() -> Path:
    assert conformance.FOLDER is not None
    return conformance.FOLDER


def comparable(message: str) -> str:
    """A message without blanks at the ends of lines and empty lines around it, numbers of templates and the version.

    Lines of ytt's own code are left out: the original's tests show a line of the template under test instead, which is
    the only one that they know.
    """
    message = _OWN_CODE.sub("", message).replace("__YTT_VERSION__", YTT_VERSION)
    lines = _NUMBERED.sub("__ytt_tplXXX_", message).split("\n")
    return "\n".join(line.rstrip("\t ") for line in lines).strip("\n")


class Tally:
    """How many cases of each group came out right; printed when the tests of a module are over."""

    def __init__(self) -> None:
        self._right: Counter[str] = Counter()
        self._all: Counter[str] = Counter()

    def count(self, group: str, right: bool) -> None:
        self._all[group] += 1
        self._right[group] += right

    def lines(self) -> Iterator[str]:
        for group, total in sorted(self._all.items()):
            yield f"{group}: {self._right[group]}/{total}"
