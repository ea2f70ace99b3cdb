"""`packhouse ytt`: renders files as ytt does, for who has no other program at hand.

The options are those of the original; what this command does not do, it says. One process, one rendering: nothing
here is confined, so files of strangers are better rendered by the operator.
"""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from packhouse.template.ytt.nodes import DocumentSet

_FORMATS: Final = ("yaml", "json", "pos")
_OPENAPI: Final = "openapi-v3"
_LEFT_OUT: Final = """
Warning: Found Non-YAML templates in input. Non-YAML templates are not rendered to standard output.
If you want to include those results, use the --output-files or --dangerous-emptied-output-directory flag."""
_Many = list[str] | None


def ytt(
    file: Annotated[
        _Many, typer.Option("--file", "-f", metavar="PATH", help="A file, a folder, - for standard input; NAME=PATH.")
    ] = None,
    file_mark: Annotated[
        _Many, typer.Option(metavar="PATH:KEY=VALUE", help="What a file is: path, exclude, type, for-output ...")
    ] = None,
    data_value: Annotated[
        _Many, typer.Option("--data-value", "-v", metavar="KEY=TEXT", help="Set one data value to a text.")
    ] = None,
    data_value_yaml: Annotated[_Many, typer.Option(metavar="KEY=YAML", help="Set one data value to YAML.")] = None,
    data_value_file: Annotated[
        _Many, typer.Option(metavar="KEY=PATH", help="Set one data value to the text of a file.")
    ] = None,
    data_values_env: Annotated[
        _Many, typer.Option(metavar="PREFIX", help="Set data values from variables PREFIX_key__sub, as texts.")
    ] = None,
    data_values_env_yaml: Annotated[_Many, typer.Option(metavar="PREFIX", help="The same, as YAML.")] = None,
    data_values_file: Annotated[
        _Many, typer.Option(metavar="PATH", help="Set data values from plain YAML: a file, a folder, -.")
    ] = None,
    data_values_inspect: Annotated[
        bool, typer.Option("--data-values-inspect", help="Print the data values that templates would see.")
    ] = False,
    data_values_schema_inspect: Annotated[
        bool, typer.Option("--data-values-schema-inspect", help="Print the schema of the data values.")
    ] = False,
    files_inspect: Annotated[
        bool, typer.Option("--files-inspect", help="Print the files that would be looked at.")
    ] = False,
    output: Annotated[
        _Many, typer.Option("--output", "-o", metavar="FORMAT", help="yaml, json or pos, and openapi-v3.")
    ] = None,
    output_files: Annotated[str, typer.Option(metavar="DIR", help="Write each result to a file below DIR.")] = "",
    dangerous_emptied_output_directory: Annotated[
        str, typer.Option(metavar="DIR", help="The same, and delete what is in DIR before.")
    ] = "",
    ignore_unknown_comments: Annotated[
        bool, typer.Option("--ignore-unknown-comments", help="Take comments that are no #@ and no #! for comments.")
    ] = False,
    implicit_map_key_overrides: Annotated[
        bool, typer.Option("--implicit-map-key-overrides", help="Let a later key of a map replace an earlier one.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", "-s", help="Read YAML strictly: texts are quoted.")] = False,
    allow_symlink_destination: Annotated[
        _Many, typer.Option(metavar="PATH", help="A place that symbolic links may lead to.")
    ] = None,
    dangerous_allow_all_symlink_destinations: Annotated[
        bool, typer.Option("--dangerous-allow-all-symlink-destinations", help="Follow every symbolic link.")
    ] = False,
    dangerous_data_values_disable_validation: Annotated[
        bool, typer.Option("--dangerous-data-values-disable-validation", help="Do not run validations.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
    bulk_in: Annotated[str, typer.Option("--bulk-in", hidden=True)] = "",
    bulk_out: Annotated[bool, typer.Option("--bulk-out", hidden=True)] = False,
) -> None:
    """Render files as ytt templates and print the result."""
    for name, given in (("--debug", debug), ("--bulk-in", bulk_in), ("--bulk-out", bulk_out)):
        if given:
            raise _fail(f"ytt: Error: {name} is not supported by packhouse")
    links = [path for paths in allow_symlink_destination or () for path in paths.split(",")]
    _run(
        _Asked(
            paths=file or [],
            links=None if dangerous_allow_all_symlink_destinations else links,
            forms=[word for words in output or () for word in words.split(",")],
            inspected="files" if files_inspect else "schema" if data_values_schema_inspect else "",
            inspects_values=data_values_inspect,
            folder=dangerous_emptied_output_directory or output_files,
            is_emptied=bool(dangerous_emptied_output_directory),
            values_files=data_values_file or [],
            value_files=data_value_file or [],
            values={
                "env_strings": tuple(data_values_env or ()),
                "env_yaml": tuple(data_values_env_yaml or ()),
                "environ": os.environ,
                "strings": tuple(data_value or ()),
                "yaml": tuple(data_value_yaml or ()),
            },
            options={
                "ignore_unknown_comments": ignore_unknown_comments,
                "implicit_map_key_overrides": implicit_map_key_overrides,
                "strict": strict,
                "file_marks": tuple(file_mark or ()),
                "skip_validations": dangerous_data_values_disable_validation,
            },
        )
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command line, read. `values` and `options` are fields of those classes of workspace/inputs.py."""

    paths: list[str]
    links: list[str] | None  # where links may lead; None: anywhere
    forms: list[str]
    inspected: str  # "files", "schema", or "" for the result
    inspects_values: bool
    folder: str
    is_emptied: bool
    values_files: list[str]
    value_files: list[str]
    values: dict[str, Any]
    options: dict[str, Any]


def _run(asked: _Asked) -> None:
    gc.disable()  # one short run: looking for garbage would take a fifth of its time
    # what reads and renders takes a tenth of a second to import, and --help needs none of it
    from packhouse.template.ytt.errors import LimitExceeded, YttError
    from packhouse.template.ytt.report import as_printed

    try:
        _render(asked)
    except YttError as error:
        raise _fail(as_printed(error.message)) from None
    except LimitExceeded as error:
        raise _fail(f"ytt: Error: rendering was ended: {error.what}") from None
    except RecursionError:
        raise _fail("ytt: Error: rendering was ended: the files or their values nest too deep") from None


def _render(asked: _Asked) -> None:
    from packhouse.cli.ytt_files import Reader, write_files
    from packhouse.template.ytt.workspace import inputs, render

    reader = Reader(asked.links)
    files = reader.files(asked.paths)
    options = inputs.Options(**asked.options)
    if asked.inspected == "files":
        return _print(render.inspect_files(files, options), asked.forms)
    values = inputs.DataValues(
        files=tuple(pair for path in asked.values_files for pair in reader.values(path)),
        from_files=tuple(reader.value(pair) for pair in asked.value_files),
        **asked.values,
    )
    _check_forms(asked)
    if asked.inspected == "schema":
        return _print(render.inspect_schema(files, options), asked.forms)
    if asked.inspects_values:
        return _print(render.inspect_values(files, values, options), asked.forms)
    rendered = render.render(files, values, options)
    if asked.folder:
        for path in write_files(asked.folder, ((made.path, made.text) for made in rendered.files), asked.is_emptied):
            typer.echo(f"creating: {path}")
        return None
    _print(rendered.documents, asked.forms)
    if any(not made.is_yaml for made in rendered.files):
        typer.echo(_LEFT_OUT, err=True)
    return None


def _check_forms(asked: _Asked) -> None:
    """Whether the forms are known, and fit to what is printed."""
    from packhouse.template.ytt.errors import YttError

    for word in asked.forms:
        if word not in (*_FORMATS, _OPENAPI):
            raise YttError(f"Unknown output type '{word}'")
    if (asked.inspected == "schema") is not (_OPENAPI in asked.forms):
        if asked.inspected == "schema":
            raise YttError(
                "Data values schema export only supported in OpenAPI v3 format; "
                f"specify format with --output={_OPENAPI} flag"
            )
        raise YttError(
            "Output type currently only supported for data values schema (i.e. include --data-values-schema-inspect)"
        )


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


def _fail(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)
