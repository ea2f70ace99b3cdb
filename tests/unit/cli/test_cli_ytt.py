"""The command `packhouse ytt`: what it reads, prints, writes and refuses. Real: everything, in this process."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from packhouse.cli.ytt import main

TEMPLATE = '#@ load("@ytt:data", "data")\n---\ntext: #@ data.values.text\nnumber: #@ data.values.number\n'
VALUES = "#@data/values\n---\ntext: one\nnumber: 1\n"
SCHEMA = '#@data/values-schema\n---\n#@schema/desc "A text"\ntext: one\nnumber: 1\n'

PROGRAM = Path(sys.executable).with_name("packhouse")

Ytt = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with config/ in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "a.yml").write_text(TEMPLATE)
    (tmp_path / "config" / "values.yml").write_text(VALUES)
    return tmp_path


@dataclass(frozen=True)
class Done:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def ytt(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ytt]:
    """`ytt(*words, input="")`: what came of it."""

    def run(*words: str, input: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input.encode())))
        code = main(words)
        return Done(code, *capfd.readouterr())

    yield run
    gc.enable()


def test_a_folder_is_rendered(ytt: Ytt) -> None:
    done = ytt("-f", "config")
    assert (done.exit_code, done.stdout) == (0, "text: one\nnumber: 1\n")


def test_standard_input_is_a_file(ytt: Ytt) -> None:
    assert ytt("-f-", input="#@ x = 1\n---\na: #@ x\n").stdout == "a: 1\n"


def test_files_may_be_given_other_names(ytt: Ytt, folder: Path) -> None:
    (folder / "names.txt").write_text('def name():\n  return "x"\nend\n')
    (folder / "b.yml").write_text('#@ load("lib/names.star", "name")\n---\na: #@ name()\n')
    assert ytt("-f", "lib/names.star=names.txt", "-f", "b.yml").stdout == "a: x\n"


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        pytest.param(["--data-value", "text=2"], 'text: "2"\nnumber: 1\n', id="a text"),
        pytest.param(["-v", "text=x"], "text: x\nnumber: 1\n", id="a text, in short"),
        pytest.param(["--data-value-yaml", "number=2"], "text: one\nnumber: 2\n", id="yaml"),
        pytest.param(["--data-value-file", "text=some.txt"], "text: |\n  of a file\nnumber: 1\n", id="a file's text"),
        pytest.param(["--data-values-file", "some.yml"], "text: file\nnumber: 1\n", id="a file"),
        pytest.param(["--data-values-file", "some"], "text: b\nnumber: 3\n", id="a folder"),
        pytest.param(["--data-values-env", "T"], "text: variable\nnumber: 1\n", id="variables"),
        pytest.param(["--data-values-env-yaml", "Y"], "text: one\nnumber: 5\n", id="variables that are yaml"),
        pytest.param(
            ["--data-values-file", "some.yml", "--data-values-env", "T", "-v", "text=last"],
            "text: last\nnumber: 1\n",
            id="each over those before",
        ),
    ],
)
def test_values_come_from_outside(
    ytt: Ytt, folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], printed: str
) -> None:
    (folder / "some.txt").write_text("of a file\n")
    (folder / "some.yml").write_text("text: file\n")
    (folder / "some").mkdir()
    (folder / "some" / "a.yml").write_text("text: a\nnumber: 3\n")
    (folder / "some" / "b.yaml").write_text("text: b\n")
    (folder / "some" / "README.md").write_text("no: [values\n")
    monkeypatch.setenv("T_text", "variable")
    monkeypatch.setenv("Y_number", "5")
    done = ytt("-f", "config", *words)
    assert (done.stdout, done.stderr) == (printed, "")


def test_what_is_printed_may_be_json(ytt: Ytt) -> None:
    done = ytt("-f", "config", "-o", "json", "-v", "text=<ä>")
    assert json.loads(done.stdout) == {"text": "<ä>", "number": 1}
    assert done.stdout.startswith('{"number":1,"text":"\\u003c')


def test_what_is_printed_may_be_places(ytt: Ytt) -> None:
    done = ytt("-f", "config", "-o", "pos")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["a.yml:2", "|", "[doc]"],
        ["a.yml:3", "|", "text:", "one"],
        ["a.yml:4", "|", "number:", "1"],
    ]


def test_what_templates_would_see_is_printed(ytt: Ytt) -> None:
    assert ytt("-f", "config", "-v", "text=x", "--data-values-inspect").stdout == "text: x\nnumber: 1\n"
    assert ytt("-f", "config", "--files-inspect").stdout == "- a.yml\n- values.yml\n"


def test_the_schema_is_printed_as_openapi(ytt: Ytt, folder: Path) -> None:
    (folder / "config" / "values.yml").write_text(SCHEMA)
    done = ytt("-f", "config", "--data-values-schema-inspect", "-o", "openapi-v3")
    assert done.exit_code == 0
    assert "description: A text" in done.stdout
    assert "openapi: 3.0.0" in done.stdout
    told = json.loads(ytt("-f", "config", "--data-values-schema-inspect", "-o", "openapi-v3", "-o", "json").stdout)
    assert told["components"]["schemas"]["dataValues"]["properties"]["number"]["default"] == 1


def test_results_are_written_to_files_and_others_stay(ytt: Ytt, folder: Path) -> None:
    (folder / "config" / "note.txt").write_text("(@ x = 1 @)text (@= str(x) @)\n")
    (folder / "out").mkdir()
    (folder / "out" / "old").write_text("old")
    done = ytt("-f", "config", "--output-files", "out")
    assert sorted(done.stdout.splitlines()) == ["creating: out/a.yml", "creating: out/note.txt"]
    assert (folder / "out" / "a.yml").read_text() == "text: one\nnumber: 1\n"
    assert (folder / "out" / "note.txt").read_text() == "text 1\n"
    assert (folder / "out" / "old").exists()
    ytt("-f", "config", "--dangerous-emptied-output-directory", "out")
    assert not (folder / "out" / "old").exists()


def test_texts_that_are_not_printed_are_told_of(ytt: Ytt, folder: Path) -> None:
    (folder / "config" / "note.txt").write_text("a text\n")
    done = ytt("-f", "config")
    assert done.stdout == "text: one\nnumber: 1\n"
    assert "Non-YAML templates are not rendered to standard output" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["-f", "none"], "Error: Checking file 'none': lstat none: no such file or directory", id="a file"),
        pytest.param(["-f", "bad.yml"], "\n- undefined: nothing\n    bad.yml:1 | a: #@ nothing\n", id="a name"),
        pytest.param(["-f", "config", "-o", "xml"], "ytt: Error: Unknown output type 'xml'", id="an output"),
        pytest.param(
            ["-f", "config", "-o", "openapi-v3"],
            "ytt: Error: Output type currently only supported for data values schema "
            "(i.e. include --data-values-schema-inspect)",
            id="openapi of no schema",
        ),
        pytest.param(
            ["-f", "config", "--data-values-schema-inspect"],
            "ytt: Error: Data values schema export only supported in OpenAPI v3 format; "
            "specify format with --output=openapi-v3 flag",
            id="a schema in no form",
        ),
        pytest.param(["-f", "config", "-v", "text"], "Expected format key=value", id="no value"),
        pytest.param(["-f", "-", "-f", "-"], "Standard input has been already read once", id="standard input twice"),
        pytest.param(["-f", "https://example.com/a.yml"], "asks no server: download it first", id="a url"),
        pytest.param(["--debug"], "ytt: Error: --debug is not supported by packhouse", id="an option of the original"),
        pytest.param(["-f", "link.yml"], "Checking symlink file 'link.yml'", id="a link"),
        pytest.param(
            ["-f", "config", "--dangerous-emptied-output-directory", "."],
            "ytt: Error: Expected output directory path to not be one of '/', '.', './', ''",
            id="a folder that nobody empties",
        ),
        pytest.param(
            ["-f", "config", "--output-files", "out", "--file-mark", "a.yml:path=../a.yml"],
            "Expected output file '../a.yml' to stay in the output directory",
            id="a file outside",
        ),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_one(ytt: Ytt, folder: Path, words: list[str], message: str) -> None:
    (folder / "bad.yml").write_text("a: #@ nothing\n")
    (folder / "link.yml").symlink_to("/etc/hostname")
    done = ytt(*words)
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stdout == ""


def test_links_may_be_allowed(ytt: Ytt, folder: Path) -> None:
    (folder / "link.yml").symlink_to(folder / "config" / "a.yml")
    words = ["-f", "link.yml", "-f", "config/values.yml"]
    assert ytt(*words).exit_code == 1
    assert ytt(*words, "--allow-symlink-destination", "other,config").exit_code == 0
    assert ytt(*words, "--dangerous-allow-all-symlink-destinations").exit_code == 0


def test_an_option_that_nobody_knows_ends_with_two(ytt: Ytt) -> None:
    with pytest.raises(SystemExit) as ended:
        ytt("--no-such-option")
    assert ended.value.code == 2


def test_help_names_every_option(ytt: Ytt, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ytt("--help")
    said = capfd.readouterr().out
    page = (Path(__file__).parents[3] / "docs" / "spec" / "ytt.md").read_text()
    options = set(re.findall(r"--[a-z-]+", said)) - {"--help"}
    assert "--data-values-file" in options
    missing = {name for name in options if name not in page and "symlink" not in name}
    assert missing == set()


def test_the_program_lists_its_verbs() -> None:
    said = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    for verb in ("operator", "renderer", "uninstall", "bundle", "ytt"):
        assert re.search(rf"^\W*{verb} ", said, re.MULTILINE), verb


def test_the_program_prints_bytes_and_nothing_else(folder: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    (folder / "a.yml").write_text("a: ä\nb: #@ 'x' * 3\n")
    done = subprocess.run([PROGRAM, "ytt", "-f", "a.yml"], capture_output=True, env=environment, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a: ä\nb: xxx\n".encode(), b"")
