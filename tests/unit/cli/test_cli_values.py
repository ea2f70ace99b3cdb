"""`values`: what is printed, and how it ends. Schemas are files; the cluster is asked in tests/e2e."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from packhouse.cli.application import root
from packhouse.cli.tree import PACKAGE
from packhouse.cli.values import in_words
from packhouse.client.errors import ExitCode
from packhouse.client.values_schema import explanation, package_in

SCHEMA = """
type: object
properties:
  replicas: {type: integer, default: 2, minimum: 1, description: "How many pods there are, when all of them run."}
  service:
    description: How it is reached.
    properties:
      type: {type: string, enum: [ClusterIP, NodePort], default: ClusterIP}
      hosts: {type: array, nullable: true, items: {type: string}}
"""


def called(*words: str) -> int:
    try:
        root(PACKAGE, "package").main(list(words), prog_name="packhouse package", standalone_mode=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.yml").write_text(SCHEMA)
    return tmp_path


def test_lint_prints_each_mistake_by_its_line_and_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "values.yml").write_text("replicas: many\nservice:\n  typ: x\n")
    assert called("values", "lint", "values.yml", "--schema", "schema.yml") == ExitCode.FAILED
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "values.yml:1: values.replicas: expected integer, found string",
        "values.yml:3: warning: values.service.typ is not known (did you mean type?)",
    ]
    assert printed.err == "values.yml: 1 mistake, 1 warning\n"


def test_lint_is_done_where_all_fits_or_only_warns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "values.yml").write_text("replicas: 3\n")
    assert called("values", "lint", "values.yml", "--schema", "schema.yml") == ExitCode.DONE
    assert capsys.readouterr() == ("", "values.yml fits\n")
    (folder / "values.yml").write_text("other: 3\n")
    assert called("values", "lint", "values.yml", "--schema", "schema.yml") == ExitCode.DONE


def test_lint_tells_programs_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "values.yml").write_text("service:\n  type: Other\n")
    called("values", "lint", "values.yml", "--schema", "schema.yml", "-o", "json")
    assert json.loads(capsys.readouterr().out)["items"] == [
        {
            "file": "values.yml",
            "line": 2,
            "path": "service.type",
            "severity": "error",
            "message": "values.service.type: expected one of ClusterIP, NodePort, found another string",
        }
    ]


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("values.yml",), ExitCode.USAGE, "error: values lint takes either --package or --schema"),
        (("values.yml", "--schema", "gone.yml"), ExitCode.USAGE, "error: cannot read gone.yml"),
        (("gone.yml", "--schema", "schema.yml"), ExitCode.USAGE, "error: cannot read gone.yml"),
        (("broken.yml", "--schema", "schema.yml"), ExitCode.FAILED, "error: broken.yml:1: no valid YAML"),
        (("values.yml", "--schema", "values.yml"), ExitCode.USAGE, "error: values.yml has no schema of values"),
    ],
)
def test_what_lint_cannot_do_is_said_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, what: str
) -> None:
    (folder / "values.yml").write_text("replicas: 3\n")
    (folder / "broken.yml").write_text("a: b: c\n")
    assert called("values", "lint", *words) == code
    assert capsys.readouterr().err.startswith(what)


def test_a_key_is_explained_for_people() -> None:
    package = package_in("schema.yml", SCHEMA)
    assert in_words(explanation(package, "replicas"), 40) == (
        "KEY:       replicas\n"
        "TYPE:      integer\n"
        "DEFAULT:   2\n"
        "LIMITS:    at least 1\n"
        "\n"
        "DESCRIPTION:\n"
        "  How many pods there are, when all of\n"
        "  them run.\n"
        "\n"
        "EXAMPLE:\n"
        "  replicas: 2\n"
        "\n"
        "  --set replicas=2\n"
    )
    assert in_words(explanation(package, "service"), 80) == (
        "KEY:       service\n"
        "TYPE:      object\n"
        "\n"
        "DESCRIPTION:\n"
        "  How it is reached.\n"
        "\n"
        "KEYS:\n"
        "  KEY               DEFAULT     TYPE     DESCRIPTION\n"
        "  service.type      ClusterIP   string\n"
        "  service.hosts     <nil>       array\n"
        "  service.hosts[]   <nil>       string\n"
    )
    assert "TYPE:      array or null\nDEFAULT:   <nil>\n" in in_words(explanation(package, "service.hosts"), 80)
    assert "ONE OF:    ClusterIP, NodePort\n" in in_words(explanation(package, "service.type"), 80)


def test_an_explanation_is_the_same_for_programs() -> None:
    package = package_in("schema.yml", SCHEMA)
    assert yaml.safe_dump(explanation(package, "service.type").wire, sort_keys=False) == (
        "key: service.type\ntype: string\nnullable: false\ndefault: ClusterIP\noneOf:\n- ClusterIP\n- NodePort\n"
        "description: ''\nexample:\n  service:\n    type: NodePort\n"
    )
