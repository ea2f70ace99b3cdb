"""`packhouse ytt`: renders files as ytt does, for who has no other program at hand.

The options are those of the original; what this command does not do, it says. One process, one rendering: nothing
here is confined, so files of strangers are better rendered by the operator. Every import that can wait does.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from packhouse.template.ytt.nodes import DocumentSet

HELP: Final = "Render files as ytt templates and print the result."
_FORMATS: Final = ("yaml", "json", "pos")
_OPENAPI: Final = "openapi-v3"
_LEFT_OUT: Final = """
Warning: Found Non-YAML templates in input. Non-YAML templates are not rendered to standard output.
If you want to include those results, use the --output-files or --dangerous-emptied-output-directory flag.
"""

#: Options that may be given many times, those with one value, those with none: names, placeholder, what it does.
_MANY: Final = (
    (("--file", "-f"), "PATH", "a file, a folder, - for standard input; NAME=PATH gives it another name"),
    (("--file-mark",), "PATH:KEY=VALUE", "what a file is: path, exclude, type, for-output, exclusive-for-output"),
    (("--data-value", "-v"), "KEY=TEXT", "set one data value to a text; KEY may be a.b"),
    (("--data-value-yaml",), "KEY=YAML", "set one data value to YAML"),
    (("--data-value-file",), "KEY=PATH", "set one data value to the text of a file"),
    (("--data-values-file",), "PATH", "set data values from plain YAML: a file, a folder, -"),
    (("--data-values-env",), "PREFIX", "set data values from variables PREFIX_a__b, as texts"),
    (("--data-values-env-yaml",), "PREFIX", "the same, as YAML"),
    (("--output", "-o"), "FORMAT", f"{', '.join(_FORMATS)}; {_OPENAPI} with --data-values-schema-inspect"),
    (("--allow-symlink-destination",), "PATH", "a place that symbolic links may lead to"),
)
_ONE: Final = (
    (("--output-files",), "DIR", "write each result to a file below DIR"),
    (("--dangerous-emptied-output-directory",), "DIR", "the same, and delete what is in DIR before"),
)
_NONE: Final = (
    (("--data-values-inspect",), "print the data values that templates would see"),
    (("--data-values-schema-inspect",), "print the schema of the data values"),
    (("--files-inspect",), "print the files that would be looked at"),
    (("--ignore-unknown-comments",), "take comments that begin with neither #@ nor #! for comments"),
    (("--implicit-map-key-overrides",), "let a later key of a map replace an earlier one"),
    (("--strict", "-s"), "read YAML strictly: texts are quoted"),
    (("--dangerous-allow-all-symlink-destinations",), "follow every symbolic link"),
    (("--dangerous-data-values-disable-validation",), "do not run validations of data values"),
)
#: Known from the original, and nothing that this command does.
_NOT_HERE: Final = ("--debug", "--bulk-in", "--bulk-out")


def main(words: Sequence[str]) -> int:
    """The exit code: 0, 1 for what cannot be rendered; an option that nobody knows ends the process with 2."""
    for word in words:
        if word.partition("=")[0] in _NOT_HERE:
            return _fail(f"ytt: Error: {word.partition('=')[0]} is not supported by packhouse")
    asked = _parser().parse_args(words)
    gc.disable()  # one short run: looking for garbage would take a fifth of its time
    from packhouse.template.ytt.errors import LimitExceeded, YttError
    from packhouse.template.ytt.report import as_printed

    try:
        _render(asked)
    except YttError as error:
        return _fail(as_printed(error.message))
    except LimitExceeded as error:
        return _fail(f"ytt: Error: rendering was ended: {error.what}")
    except RecursionError:
        return _fail("ytt: Error: rendering was ended: the files or their values nest too deep")
    except BrokenPipeError:  # whoever reads has enough
        sys.stderr.close()
        return 1
    return 0


def _parser() -> ArgumentParser:
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="packhouse ytt", description=HELP, allow_abbrev=False)
    for names, placeholder, what in _MANY:
        parser.add_argument(*names, metavar=placeholder, help=what, action="append", default=[])
    for names, placeholder, what in _ONE:
        parser.add_argument(*names, metavar=placeholder, help=what, default="")
    for names, what in _NONE:
        parser.add_argument(*names, help=what, action="store_true")
    return parser


def _render(asked: Namespace) -> None:
    from packhouse.cli.ytt_files import Reader, write_files
    from packhouse.template.ytt.workspace import render

    forms = _separate(asked.output)
    links = _separate(asked.allow_symlink_destination)
    reader = Reader(None if asked.dangerous_allow_all_symlink_destinations else links)
    files = reader.files(asked.file)
    options = _options(asked)
    if asked.files_inspect:
        return _print(render.inspect_files(files, options), forms)
    values = _values(asked, reader)
    _check_forms(forms, inspects_schema=asked.data_values_schema_inspect)
    if asked.data_values_schema_inspect:
        return _print(render.inspect_schema(files, options), forms)
    if asked.data_values_inspect:
        return _print(render.inspect_values(files, values, options), forms)
    rendered = render.render(files, values, options)
    folder = asked.dangerous_emptied_output_directory or asked.output_files
    if folder:
        made = ((one.path, one.text) for one in rendered.files)
        for path in write_files(folder, made, emptied=bool(asked.dangerous_emptied_output_directory)):
            sys.stdout.write(f"creating: {path}\n")
        return None
    _print(rendered.documents, forms)
    if any(not one.is_yaml for one in rendered.files):
        sys.stderr.write(_LEFT_OUT)
    return None


def _options(asked: Namespace) -> Any:
    from packhouse.template.ytt.workspace.inputs import Options

    return Options(
        ignore_unknown_comments=asked.ignore_unknown_comments,
        implicit_map_key_overrides=asked.implicit_map_key_overrides,
        strict=asked.strict,
        file_marks=tuple(asked.file_mark),
        skip_validations=asked.dangerous_data_values_disable_validation,
    )


def _values(asked: Namespace, reader: Any) -> Any:
    from packhouse.template.ytt.workspace.inputs import DataValues

    return DataValues(
        files=tuple(pair for path in asked.data_values_file for pair in reader.values(path)),
        env_strings=tuple(asked.data_values_env),
        env_yaml=tuple(asked.data_values_env_yaml),
        environ=os.environ,
        strings=tuple(asked.data_value),
        yaml=tuple(asked.data_value_yaml),
        from_files=tuple(reader.value(pair) for pair in asked.data_value_file),
    )


def _separate(given: list[str]) -> list[str]:
    """These two options take lists with commas as well."""
    return [word for words in given for word in words.split(",")]


def _check_forms(forms: list[str], *, inspects_schema: bool) -> None:
    """Whether the forms are known, and fit to what is printed."""
    from packhouse.template.ytt.errors import YttError

    for word in forms:
        if word not in (*_FORMATS, _OPENAPI):
            raise YttError(f"Unknown output type '{word}'")
    if inspects_schema and _OPENAPI not in forms:
        hint = f"specify format with --output={_OPENAPI} flag"
        raise YttError(f"Data values schema export only supported in OpenAPI v3 format; {hint}")
    if _OPENAPI in forms and not inspects_schema:
        hint = "i.e. include --data-values-schema-inspect"
        raise YttError(f"Output type currently only supported for data values schema ({hint})")


def _print(documents: DocumentSet, forms: list[str]) -> None:
    form = next((word for word in forms if word in _FORMATS), _FORMATS[0])
    if form == "yaml":
        from packhouse.template.ytt.yaml.write import write

        text = write(document.value for document in documents.items)
    else:
        from packhouse.cli.ytt_forms import as_json, with_positions

        text = as_json(documents) if form == "json" else with_positions(documents)
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _fail(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1
