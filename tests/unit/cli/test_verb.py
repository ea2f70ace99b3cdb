"""The frame of all verbs: shared options, and how errors end. The cluster is not asked."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import pytest
import typer

from packhouse.api.errors import ClusterUnavailable, Forbidden, InvalidSpec
from packhouse.cli.application import command_of, root
from packhouse.cli.tree import ROOT
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode, NotFound
from packhouse.client.session import Target


def called(function: object, *words: str) -> int:
    command = command_of("it", function)  # type: ignore[arg-type]
    try:
        command.main(list(words), prog_name="it", standalone_mode=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_verb_gets_its_words_and_the_target() -> None:
    seen: list[tuple[str, Target]] = []

    @verb
    def it(target: Target, name: Annotated[str, typer.Argument()]) -> None:
        """Do it."""
        seen.append((name, target))

    assert called(it, "web", "-n", "demo", "--as", "eve", "--as-group", "a", "--as-group", "b") == 0
    assert seen == [("web", Target(namespace="demo", as_user="eve", as_groups=("a", "b")))]
    assert seen[0][1].impersonation == [
        ("Impersonate-User", "eve"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
    ]


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            NotFound("no such thing", "look elsewhere"),
            ExitCode.NOT_FOUND,
            ["error: no such thing", "help:  look elsewhere"],
        ),
        (Forbidden("you may not; ask an admin"), ExitCode.FORBIDDEN, ["error: you may not", "help:  ask an admin"]),
        (InvalidSpec("no lever"), ExitCode.FAILED, ["error: no lever"]),
        (
            InvalidSpec("two things are wrong; look\nthe second"),
            ExitCode.FAILED,
            ["error: two things are wrong", "the second", "help:  look"],
        ),
        (
            ClusterUnavailable("it gave no answer; it is tried again"),
            ExitCode.FAILED,
            [
                "error: it gave no answer",
                "help:  see whether the cluster answers, and whether it is the right one: kubectl cluster-info",
            ],
        ),
        (
            KeyError("x"),
            ExitCode.FAILED,
            ["error: a bug of packhouse: KeyError: 'x'", "help:  see it with --debug, and report it"],
        ),
    ],
    ids=["ours", "rights", "without a lever", "several lines", "no answer", "a bug"],
)
def test_an_error_says_what_happened_and_what_to_do(
    error: Exception, code: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    @verb
    async def it() -> None:
        """Do it."""
        raise error

    assert called(it) == code
    assert capsys.readouterr().err.splitlines() == lines


def test_a_traceback_is_shown_with_debug_alone(capsys: pytest.CaptureFixture[str]) -> None:
    @verb
    def it() -> None:
        """Do it."""
        raise KeyError("x")

    called(it, "--debug")
    assert "Traceback" in capsys.readouterr().err


def test_whoever_reads_the_answer_may_go_before_its_end() -> None:
    program = (
        "from packhouse.cli.application import command_of\n"
        "from packhouse.cli.verb import verb\n"
        "@verb\n"
        "def it() -> None:\n"
        "    'Do it.'\n"
        "    for _ in range(100_000): print('line')\n"
        "command_of('it', it).main([], prog_name='it')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stderr is not None
        assert writer.stdout.readline() == b"line\n"
        writer.stdout.close()
        said = writer.stderr.read()
    assert (writer.returncode, said) == (ExitCode.UNREAD, b"")


def test_what_a_verb_returns_is_its_exit_code() -> None:
    @verb
    def it() -> ExitCode:
        """Do it."""
        return ExitCode.DIFFERENT

    assert called(it) == 7


def test_a_word_that_is_not_there_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        root(ROOT, "packhouse").main(["packge"], prog_name="packhouse")
    assert ended.value.code == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: packhouse has no command 'packge'",
        "help:  did you mean package?",
    ]
