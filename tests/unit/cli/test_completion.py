"""Completion: what a line that is not finished has come to, the protocol, and the script of bash in a real bash.

Live names are asked of a cluster in tests/e2e/test_client_shell.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from packhouse.cli import complete
from packhouse.cli.application import loaded
from packhouse.cli.complete import Completions, Directive, completions, printed
from packhouse.cli.complete_line import read
from packhouse.cli.complete_values import TAKES
from packhouse.cli.completion_scripts import BASH, FISH, ZSH
from packhouse.cli.tree import PACKAGE, ROOT, Noun, Verb


def words(*line: str, noun: Noun = ROOT) -> list[str]:
    return [word for word, _ in completions(noun, line).words]


# ---- words and options ----------------------------------------------------------------------------------------------


def test_words_of_the_tree_are_completed_with_their_sentences() -> None:
    assert words("") == list(ROOT.words)
    assert completions(ROOT, ["package", "inst"]).words == [
        ("install", "Install a package."),
        ("installed", "The packages that are installed."),
    ]
    assert words("values", "") == ["explain", "lint"]
    assert words("inst", noun=PACKAGE) == ["install", "installed"]
    assert words("nowhere", "") == []


def test_options_are_completed_and_one_that_is_given_is_not_offered_again() -> None:
    assert words("--") == ["--help", "--version"]
    assert words("values", "--") == ["--help"]
    found = words("values", "explain", "--package", "x", "--")
    assert {"--output", "--namespace", "--context", "--help"} <= set(found)
    assert "--package" not in found
    assert "--set" in words("package", "install", "x", "--set", "a=1", "--")
    assert words("values", "lint", "--sch") == ["--schema"]


def test_choices_are_completed_in_each_way_to_write_an_option() -> None:
    assert words("values", "lint", "-o", "") == ["table", "wide", "json", "yaml", "name"]
    assert words("values", "lint", "--output=j") == ["--output=json"]
    assert completions(PACKAGE, ["values", "lint", "--output=j"], whole=False).words == [("json", "")]
    assert words("package", "completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize(
    "line",
    [
        ("values", "lint", ""),
        ("values", "lint", "--schema", ""),
        ("values", "lint", "--kubeconfig", ""),
        ("bundle", "push", "-f", ""),
        ("ytt", "-f", ""),
    ],
)
def test_files_are_left_to_the_shell(line: tuple[str, ...]) -> None:
    found = completions(ROOT, line)
    assert (list(found.words), found.directive) == ([], Directive.FILES)


@pytest.mark.parametrize(
    ("line", "param", "given"),
    [
        (("-p", "x", ""), "key", {"package": ["x"]}),
        (("--package=x", "-n", "demo", ""), "key", {"package": ["x"], "namespace": ["demo"]}),
        (("a.b", "-p", ""), "package", {"key": ["a.b"]}),
        (
            ("a.b", "--package", "x", "--as-group", "g", "--as-group", ""),
            "as_group",
            {"key": ["a.b"], "package": ["x"]},
        ),
        (("--debug", ""), "key", {}),
        (("--debug", "-p"), None, {}),
        (("--", "-x"), "key", {}),
        (("a.b", ""), None, {"key": ["a.b"]}),
        (("--nonsense", "x", ""), None, {"key": ["x"]}),
    ],
)
def test_what_takes_the_word_is_known_and_what_was_given(
    line: tuple[str, ...], param: str | None, given: dict[str, list[str]]
) -> None:
    found = read(ROOT, ["values", "explain", *line])
    assert (found.param.name if found.param else None) == param
    assert {name: values for name, values in found.given.items() if name != "as_group"} == given


def test_each_word_of_the_table_is_a_parameter_and_each_name_of_a_thing_is_in_it() -> None:
    taken: set[str] = set()
    for path, verb in _verbs(PACKAGE, []):
        for param in loaded(path[-1], verb).params:
            for key in (f"{' '.join(path)}:{param.name}", f"{path[0]}:{param.name}", param.name):
                taken |= {key} & set(TAKES)
    assert taken == set(TAKES)


def _verbs(noun: Noun, path: list[str]) -> list[tuple[list[str], Verb]]:
    found: list[tuple[list[str], Verb]] = []
    for word, what in noun.words.items():
        found += _verbs(what, [*path, word]) if isinstance(what, Noun) else [([*path, word], what)]
    return found


# ---- the protocol ---------------------------------------------------------------------------------------------------


def test_the_answer_is_a_line_a_word_and_a_number_for_the_shell() -> None:
    found = Completions([("a", ""), ("b", "one\n two " + "x" * 100)], Directive.NO_FILES | Directive.NO_SPACE)
    lines = printed(found).splitlines()
    assert lines[0] == "a"
    assert lines[1].startswith("b\tone two xxx")
    assert len(lines[1]) < 90
    assert lines[2] == ":6"


def test_no_word_is_offered_that_a_shell_would_carry_out_or_a_terminal_would_obey() -> None:
    bad = (
        "$(touch x)=",
        "`x`",
        "a;x",
        "a&b",
        "a|b",
        "a\nb",
        "a\x1b[2J",
        "a\u202eb",
        "a b",
        "{a,--x}",
        "a'b",
        'a"b',
        "!1",
    )
    found = Completions([*((word, "") for word in bad), ("a.b[0]-c_d=/e@f:g+1", "said \x1b]0;x\x07\u202eof it")])
    assert printed(found) == "a.b[0]-c_d=/e@f:g+1\tsaid ]0;x of it\n:4\n"


def asked(*line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from packhouse.cli.main import run; sys.exit(run())"
    return subprocess.run(
        [sys.executable, "-c", code, "__complete", *line],
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_cluster_nothing_is_offered_and_nothing_said(tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("contexts: [{name: here, context: {cluster: c}}]\n")
    for line in (("available", "get", ""), ("values", "explain", "-p", "x", "")):
        done = asked(*line, KUBECONFIG=str(broken))
        assert (done.stdout.splitlines()[-1][0], done.stderr, done.returncode) == (":", "", 0)
    assert asked("available", "list", "--context", "", KUBECONFIG=str(broken)).stdout == "here\tc\n:4\n"


def test_words_are_completed_without_importing_what_parses_them() -> None:
    code = (
        "import sys; from packhouse.cli.complete import completions; from packhouse.cli.tree import ROOT;"
        "completions(ROOT, ['package', 'ins']); print([m for m in ('typer', 'asyncio', 'yaml') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# ---- scripts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def bash(tmp_path: Path) -> Path:
    """A `packhouse` that writes down its words and answers with what the file `answer` holds."""
    program = tmp_path / "packhouse"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/asked\ncat {tmp_path}/answer\n')
    program.chmod(0o755)
    (tmp_path / "script").write_text(BASH)
    return tmp_path


def completed(folder: Path, line: str, *comp_words: str, answer: str) -> tuple[list[str], list[str]]:
    """What `packhouse __complete` was asked, and what bash would offer."""
    (folder / "answer").write_text(answer)
    listed = " ".join(f"'{word}'" for word in comp_words)
    program = (
        f"compopt() {{ :; }}; source {folder}/script; COMP_LINE='{line}'; COMP_POINT={len(line)}; "
        f"COMP_WORDS=({listed}); COMP_CWORD={len(comp_words) - 1}; __packhouse_complete; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return (folder / "asked").read_text().split("\n")[1:-1], done.stdout.split()


def test_bash_asks_with_the_words_of_the_line_and_offers_the_answers(bash: Path) -> None:
    line = ("packhouse", "package", "inst")
    assert completed(bash, "packhouse package  inst", *line, answer="install\tInstall it.\ninstalled\n:36\n") == (
        ["package", "inst"],
        ["install", "installed"],
    )
    assert completed(bash, "packhouse package ", "packhouse", "package", "", answer=":4\n") == (["package", ""], [])


@pytest.mark.parametrize(
    ("line", "comp_words", "asked_for", "answer", "offered"),
    [
        ("packhouse x --set a.b=", ("packhouse", "x", "--set", "a.b", "="), "a.b=", "a.b=true", "true"),
        ("packhouse x --set a.b=t", ("packhouse", "x", "--set", "a.b", "=", "t"), "a.b=t", "a.b=true", "true"),
        ("packhouse x --output=j", ("packhouse", "x", "--output", "=", "j"), "--output=j", "--output=json", "json"),
        ("packhouse x a:b", ("packhouse", "x", "a", ":", "b"), "a:b", "a:bc", "bc"),
        ("packhouse x n/1", ("packhouse", "x", "n/1"), "n/1", "n/1.0", "n/1.0"),
    ],
)
def test_bash_puts_together_what_it_broke(
    bash: Path, line: str, comp_words: tuple[str, ...], asked_for: str, answer: str, offered: str
) -> None:
    asked_words, found = completed(bash, line, *comp_words, answer=f"{answer}\n:4\n")
    assert (asked_words[-1], found) == (asked_for, [offered])


def test_all_scripts_ask_the_same_question() -> None:
    for script in (BASH, ZSH, FISH):
        assert "__complete" in script
    assert complete.main.__module__ == "packhouse.cli.complete"
