"""Help of the whole tree: plain, complete, and as the tree says it. Each verb is imported; none is called."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.core import TyperArgument, TyperOption

from packhouse.cli.application import loaded, root
from packhouse.cli.help import help_of, printed
from packhouse.cli.tree import PACKAGE, QUICK, ROOT, Noun, Verb


def verbs(noun: Noun, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Verb]]:
    for word, what in noun.words.items():
        if isinstance(what, Noun):
            yield from verbs(what, (*path, word))
        else:
            yield (*path, word), what


ALL = [pytest.param(path, verb, id=" ".join(path)) for path, verb in verbs(ROOT) if path[-1] != QUICK]


@pytest.mark.parametrize(("path", "verb"), ALL)
def test_a_verb_says_what_the_tree_says_of_it_in_one_sentence(path: tuple[str, ...], verb: Verb) -> None:
    sentence = inspect.cleandoc(loaded(path[-1], verb).help or "").split("\n")[0]
    assert sentence == verb.help
    assert sentence.endswith(".")


@pytest.mark.parametrize(("path", "verb"), ALL)
def test_each_argument_and_option_has_its_help(path: tuple[str, ...], verb: Verb) -> None:
    for param in loaded(path[-1], verb).params:
        assert isinstance(param, TyperArgument | TyperOption)
        assert param.help, param.name
        assert param.help[0].isupper() or param.help.startswith(("`", "host/path")), param.help
        assert param.help.endswith("."), param.help


@pytest.mark.parametrize(("path", "verb"), ALL)
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_of_help_is_too_long_and_none_is_cut(path: tuple[str, ...], verb: Verb, columns: int) -> None:
    told = help_of(loaded(path[-1], verb), " ".join(["packhouse", *path]))
    text = printed(told, columns)
    words = " ".join(text.split())
    for section in told.sections:
        assert all(" ".join(entry.text.split()) in words for entry in section.entries)
    allowed = max(columns, 30 + 36)
    assert all(len(line) <= allowed or " " not in line.strip() for line in text.splitlines())


@pytest.mark.parametrize("noun", ["package", "bundle", "available", "installed", "repository", "values"])
def test_a_noun_lists_its_words_with_whole_sentences(
    noun: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as ended:
        root(ROOT, "packhouse").main([noun, "--help"], prog_name="packhouse")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    words = {**ROOT.words, **PACKAGE.words}[noun]
    assert isinstance(words, Noun)
    assert all(f"  {word} " in shown and what.help in shown for word, what in words.words.items())
    assert "--install-completion" not in shown


def test_help_of_the_program_shows_no_short_forms(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        root(ROOT, "packhouse").main(["--help"], prog_name="packhouse")
    shown = capsys.readouterr().out
    assert "  package " in shown
    assert "  available " not in shown


def test_help_needs_neither_rich_nor_a_client() -> None:
    code = (
        "import sys\nfrom packhouse.cli.main import run\nsys.argv = ['packhouse', *sys.argv[1:]]\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "heavy = ('rich', 'kubernetes', 'oras', 'jsonschema', 'yaml', 'aiohttp')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    for words in (["--help"], ["package", "--help"], ["installed", "--help"], ["values", "lint", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        assert done.stderr == "[]\n", words
