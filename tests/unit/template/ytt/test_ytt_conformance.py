"""What the original prints, byte for byte: real packages, and its own small tests of templates.

All is real: files as they lie in the bundles, rendered in this process. Skipped where the data are not there; how many
of each group came out right is printed at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

import conformance
import ytt_cases
from packhouse.cli.ytt_forms import with_positions
from packhouse.template.ytt.compile.text_template import compile_text
from packhouse.template.ytt.compile.yaml_template import compile_yaml
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.modules import MODULES
from packhouse.template.ytt.modules.data import data_module
from packhouse.template.ytt.nodes import DocumentSet, Source
from packhouse.template.ytt.starlark.thread import LanguageLimits, Thread
from packhouse.template.ytt.validations import run
from packhouse.template.ytt.workspace.render import render
from packhouse.template.ytt.yaml.read import read
from ytt_cases import FileCase, PackageCase

pytestmark = conformance.needed

#: The data values that the original's small tests see.
INPUT = """
int: 123
intNeg: -49
float: 123.123
t: true
f: false
nullz: null
string: string
map:
  a: 123
list:
- a
- 123
- a: 123
"""


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[ytt_cases.Tally]:
    tally = ytt_cases.Tally()
    yield tally
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("".join(f"\nytt conformance, {line}" for line in tally.lines()))  # noqa: T201 - it is to be read


@contextmanager
def counted(tally: ytt_cases.Tally, group: str) -> Iterator[None]:
    right = False
    try:
        yield
        right = True
    finally:
        tally.count(group, right)


@pytest.mark.parametrize("case", ytt_cases.package_cases(), ids=str)
def test_a_package_renders_as_the_original_does(case: PackageCase, tally: ytt_cases.Tally) -> None:
    expected = case.expected.read_text()
    with counted(tally, "refused packages" if case.is_refused else "packages"):
        try:
            printed = ytt_cases.text_of(render(case.files, case.values).documents)
        except YttError as error:
            assert case.is_refused, error.message
            assert expected.strip("\n") == f"ytt: Error: {error.message}".strip("\n")
        else:
            assert not case.is_refused, "it was rendered"
            assert expected == printed


@pytest.mark.parametrize("case", ytt_cases.file_cases("yamltemplate"), ids=str)
def test_a_template_of_yaml_gives_what_the_original_gives(case: FileCase, tally: ytt_cases.Tally) -> None:
    with counted(tally, "yamltemplate"):
        check(case, lambda: shown(case, evaluated(case)))


@pytest.mark.parametrize("case", ytt_cases.file_cases("validations"), ids=str)
def test_rules_of_values_are_told_as_the_original_tells_them(case: FileCase, tally: ytt_cases.Tally) -> None:
    def validated() -> str:
        thread = Thread(LanguageLimits())
        documents = evaluated(case, thread)
        problems = run(documents, thread)
        if problems:
            raise YttError(problems)
        return shown(case, documents)

    with counted(tally, "validations"):
        check(case, validated)


@pytest.mark.parametrize("case", ytt_cases.file_cases("texttemplate"), ids=str)
def test_a_text_template_gives_what_the_original_gives(case: FileCase, tally: ytt_cases.Tally) -> None:
    def text() -> str:
        template = compile_text(Source("stdin", case.template))
        result: str = template.evaluate(Thread(LanguageLimits()), loaded).result
        return result

    with counted(tally, "texttemplate"):
        check(case, text)


def check(case: FileCase, result: Any) -> None:
    try:
        given = result()
    except YttError as error:
        assert case.message is not None, error.message
        assert case.message == ytt_cases.comparable(error.message)
    else:
        assert case.message is None, "it was no error"
        assert case.expected.removeprefix("OUTPUT POSITION:\n") == given


def evaluated(case: FileCase, thread: Thread | None = None) -> DocumentSet:
    template = compile_yaml(read(Source("stdin", case.template)))
    documents = template.evaluate(thread or Thread(LanguageLimits()), loaded).result
    assert isinstance(documents, DocumentSet)
    return documents


def shown(case: FileCase, documents: DocumentSet) -> str:
    return (with_positions if case.expected.startswith("OUTPUT POSITION:") else ytt_cases.text_of)(documents)


def loaded(name: str) -> Mapping[str, Any]:
    module = name.removeprefix("@ytt:")
    if module == "data":
        return {module: data_module(read(Source("", INPUT)).items[0].value, NoFiles())}
    return {module: MODULES[module]}


class NoFiles:
    def paths(self, folder: str) -> list[str]:
        return []

    def text(self, path: str) -> str:
        raise YttError("there are no files")
