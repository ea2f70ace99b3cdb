"""Whatever files hold, rendering ends with documents, with a message, or with a limit; never with an error of ours.

Files are put together from lines that mean something, in any order, so that most of them go wrong somewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packhouse.template.ytt.errors import LimitExceeded, YttError
from packhouse.template.ytt.starlark.thread import LanguageLimits
from packhouse.template.ytt.workspace.render import DataValues, InputFile, Options, inspect_schema, render
from ytt_cases import text_of

LINES = [
    '#@ load("@ytt:data", "data")',
    '#@ load("@ytt:overlay", "overlay")',
    '#@ load("@ytt:library", "library")',
    '#@ load("@ytt:template", "template")',
    '#@ load("l.star", "f")',
    '#@ load("@lib:l.star", "f")',
    "#@data/values",
    "#@data/values-schema",
    "#@data/values after_library_module=True",
    '#@library/ref "@lib"',
    "#@overlay/match by=overlay.all, expects=(0, 3)",
    "#@overlay/match missing_ok=True",
    "#@overlay/remove",
    "#@overlay/append",
    "#@overlay/replace via=lambda a, b: f(a)",
    "#@overlay/match-child-defaults missing_ok=True",
    "#@schema/nullable",
    "#@schema/type any=True",
    "#@schema/validation min_len=1",
    '#@assert/validate ("x", lambda v: f(v))',
    "#@yaml/text-templated-strings",
    "#@yaml/map-key-override",
    "#@ if data.values:",
    "#@ for/end i in [1, 2]:",
    "#@ def f(a=1):",
    "#@ return [a]",
    "#@ end",
    "#@ x = [i for i in data.values]",
    "---",
    "--- #@ f()",
    '--- #@ template.replace(library.get("lib").with_data_values(data.values).eval())',
    "a: 1",
    "a: #@ f(data.values)",
    "b:",
    "  c: #@ [f, 1]",
    "  - 1",
    "- #@ x",
    "- a: 1",
    "c: (@= str(1) @)",
    "d: &x {e: 1}",
    "d: *x",
    "<<: *x",
    "? [a]",
    "e: |",
    "  text",
    "# a comment",
    "\t",
    "(@ f() @)",
    "(@= 1 -@)",
]

TEXTS = st.lists(st.sampled_from(LINES), max_size=9).map("\n".join)
PATHS = ["a.yml", "v.yml", "l.star", "t.txt", "l.lib.yml", "_ytt_lib/lib/a.yml", "_ytt_lib/lib/l.star"]
FILES = st.lists(st.tuples(st.sampled_from(PATHS), TEXTS), max_size=5)
LIMITS = LanguageLimits(steps=20_000, weight=1 << 18)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES, st.lists(TEXTS, max_size=1), st.booleans())
def test_any_files_end_in_documents_or_in_a_message(
    files: Sequence[tuple[str, str]], values: Sequence[str], lenient: bool
) -> None:
    given_files = [InputFile(path, text.encode()) for path, text in files]
    options = Options(ignore_unknown_comments=lenient, implicit_map_key_overrides=lenient)
    outside = DataValues(files=tuple(("v.yml", text) for text in values), yaml=("b.c=[1]",) if lenient else ())
    try:
        rendered = render(given_files, outside, options, LIMITS)
        assert "".join(file.text for file in rendered.files) is not None
        assert text_of(rendered.documents) is not None
        inspect_schema(given_files, options, LIMITS)
    except (YttError, LimitExceeded) as ended:
        assert str(ended)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60), st.sampled_from(PATHS))
def test_any_bytes_end_in_documents_or_in_a_message(content: bytes, path: str) -> None:
    try:
        text_of(render([InputFile(path, content)], limits=LIMITS).documents)
    except (YttError, LimitExceeded) as ended:
        assert str(ended)
