from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from demo import shell
from demo.screen import Screen
from demo.shell import CommandFailed, Shell


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def typed(out: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell whose kubectl is a script: it prints where it was called, and fails on the word `fail`."""
    program = tmp_path / "kubectl"
    program.write_text(
        "#!/bin/sh\n"
        'echo "in $(basename $PWD) with $KUBECONFIG"\n'
        'case "$1" in fail) echo "error: no such thing" >&2; exit 3;; slow) sleep 60;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(shell, "kubectl_program", lambda: str(program))
    folder = tmp_path / "examples"
    folder.mkdir()
    return Shell(Screen(out), Path("the.kubeconfig"), folder)


def test_a_command_is_shown_as_it_is_typed_and_before_its_output(typed: Shell, out: io.StringIO) -> None:
    answer = typed.kubectl("get", "packages", "-o", "jsonpath={.items[*].metadata.name} {1}")

    assert answer == "in examples with the.kubeconfig\n"
    assert out.getvalue() == (
        "$ kubectl get packages -o 'jsonpath={.items[*].metadata.name} {1}'\nin examples with the.kubeconfig\n"
    )


def test_a_failed_command_is_named_after_its_own_words_were_shown(typed: Shell, out: io.StringIO) -> None:
    with pytest.raises(CommandFailed, match="`kubectl fail` ended with 3"):
        typed.kubectl("fail")

    assert out.getvalue().endswith("error: no such thing\n")


def test_a_long_command_is_told_of_and_ended_at_its_limit(
    typed: Shell, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(shell, "LIMIT_SECONDS", 0.3)

    with pytest.raises(CommandFailed, match="`kubectl slow` did not end within"):
        typed.kubectl("slow")

    assert "# still under way after 0 s\n" in out.getvalue()


def test_a_command_ends_when_it_waits_for_something_that_is_gone(typed: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise CommandFailed("the operator ended")

    monkeypatch.setattr(shell, "PATIENCE_SECONDS", 0.1)
    typed.still_worth_it = gone

    with pytest.raises(CommandFailed, match="the operator ended"):
        typed.kubectl("slow")


def test_the_command_line_of_packhouse_is_the_real_one(typed: Shell, out: io.StringIO) -> None:
    assert typed.packhouse("--version").strip()
    assert out.getvalue().startswith("$ packhouse --version\n")


def test_there_are_no_colours_and_no_line_breaks_of_our_own_in_a_log(out: io.StringIO) -> None:
    screen = Screen(out)
    line = "[bold]word[/bold] :smile: " * 20

    screen.heading(3, "A heading")
    screen.note("a note")
    screen.output(line)
    screen.failure("FAILED")

    assert out.getvalue() == f"\n3. A heading\n# a note\n{line}\n\nFAILED\n"


def test_a_terminal_that_was_closed_stops_no_cleaning_up() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    screen = Screen(Closed())

    screen.note("first")
    screen.note("and on")


def test_a_ctrl_c_of_the_terminal_does_not_reach_the_command(typed: Shell, tmp_path: Path) -> None:
    (tmp_path / "kubectl").write_text("#!/bin/sh\nexec ps -o sid= -p $$\n")

    assert int(typed.kubectl("get")) != os.getsid(0)
