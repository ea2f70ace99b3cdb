"""Data values from outside of the files as overlays: what `--data-values-file`, `--data-value` and their like give.

Called once a rendering. Each key is `missing_ok` and replaces what it names, so that plain values need no annotations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Annotation, Document, Map, MapItem, Source, Value
from packhouse.template.ytt.overlay.annotations import MATCH, REPLACE
from packhouse.template.ytt.overlay.plain import annotate_plain
from packhouse.template.ytt.workspace import references
from packhouse.template.ytt.workspace.envelopes import Envelope
from packhouse.template.ytt.workspace.inputs import DataValues
from packhouse.template.ytt.yaml.read import read

_Read = Callable[[str], Value]


def envelopes(values: DataValues, strict: bool) -> list[Envelope]:
    """One for each document, variable or key, in the order in which they are merged. Raises YttError."""

    def as_yaml(text: str) -> Value:
        with _told("Deserializing YAML value"):
            return read(Source("", text), strict=strict).items[0].value

    found = [envelope for name, text in values.files for envelope in _in_file(name, text, strict)]
    for prefixes, reader, flag in (
        (values.env_strings, str, "data-values-env"),
        (values.env_yaml, as_yaml, "data-values-env-yaml"),
    ):
        for prefix in prefixes:
            found += _in_environment(prefix, values, reader, flag)
    for pairs, reader, flag in ((values.strings, str, "data-value"), (values.yaml, as_yaml, "data-value-yaml")):
        found += [_in_pair(pair, reader, flag) for pair in pairs]
    return found + [_in_value_file(pair, text) for pair, text in values.from_files]


def _in_file(name: str, text: str, strict: bool) -> list[Envelope]:
    found = []
    with _told("Extracting data value from file"):
        reference, path = _split_reference(name)
        with _told(f"Unmarshaling YAML data values file '{path}'"):
            documents = read(Source(path, text), strict=strict)
        way = references.parse(reference) if reference else None
        for document in documents.items:
            if document.value is not None:
                with _told(f"Checking data values file '{path}'"):
                    overlay = annotate_plain(document)
                found.append(Envelope.of(overlay, way))
    return found


def _in_environment(prefix: str, values: DataValues, reader: _Read, flag: str) -> list[Envelope]:
    found = []
    with _told(f"Extracting data values from env under prefix '{prefix}'"):
        reference, start = _split_key(prefix)
        for name, text in values.environ.items():
            if not name.startswith(f"{start}_"):
                continue
            with _told(f"Extracting data value from env variable '{name}'"):
                value = reader(text)
            keys = name[len(start) + 1 :].split("__")
            found.append(_envelope(keys, value, Source(f"({flag} arg) {start}", f"{name}={text}"), reference))
    return found


def _in_pair(pair: str, reader: _Read, flag: str) -> Envelope:
    with _told("Extracting data value from KV"):
        name, equals, text = pair.partition("=")
        if not equals:
            raise YttError("Expected format key=value")
        with _told(f"Deserializing value for key '{name}'"):
            value = reader(text)
        reference, key = _split_key(name)
        return _envelope(key.split("."), value, Source(f"({flag} arg)", pair), reference)


def _in_value_file(pair: str, text: str) -> Envelope:
    with _told("Extracting data value from file"):
        name, equals, path = pair.partition("=")
        if not equals:
            raise YttError("Expected format key=/file/path")
        reference, key = _split_key(name)
        return _envelope(key.split("."), text, Source(f"(data-value-file arg) {key}={path}", text), reference)


def _envelope(keys: list[str], value: Value, source: Source, reference: str) -> Envelope:
    """Maps in maps for the keys; what the last one names is replaced."""
    innermost = {MATCH: Annotation((), {"missing_ok": True}), REPLACE: Annotation((), {"or_add": True})}
    item = MapItem(keys[-1], value, source, 1, annotations=innermost)
    for key in reversed(keys[:-1]):
        annotations = {MATCH: Annotation((), {"missing_ok": True})}
        item = MapItem(key, Map([item]), source, 1, annotations=annotations)
    return Envelope.of(Document(Map([item]), source, 1), references.parse(reference) if reference else None)


def _split_key(argument: str) -> tuple[str, str]:
    """The reference to a library, or "", and the key."""
    reference, key = _split_reference(argument)
    if ":" in key:
        raise YttError(f"Expected at most one library-key separator ':' in '{key}'")
    return reference, key


def _split_reference(argument: str) -> tuple[str, str]:
    reference, colon, rest = argument.partition(":")
    if not argument.startswith("@") or not colon:
        return "", argument
    if reference == "@":
        raise YttError("Expected library ref to not be empty")
    return reference, rest


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Puts `what` in front of what goes wrong inside."""
    try:
        yield
    except YttError as error:
        raise YttError(f"{what}: {error.message}") from None
