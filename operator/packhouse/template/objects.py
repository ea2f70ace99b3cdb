"""From documents to Kubernetes objects: what the API server would refuse for its form is refused here, with its place.

Pure; the last thing that pipeline.py does. A message names keys and types, never a value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.kapp.config import is_config
from packhouse.domain.type_names import type_name
from packhouse.ports import Json
from packhouse.template.documents import Document

_DEPTH_MOST: Final = 100
_INTEGER_BITS: Final = 64  # what any API field can hold


def to_objects(documents: Iterable[Document]) -> list[Json]:
    """The objects in the order of their documents; lists are flattened, empty documents and repetitions left out.

    Raises RenderedInvalid, which names the file and the line.
    """
    objects: list[Json] = []
    seen: dict[tuple[str, str, str, str], tuple[Document, Json]] = {}
    for document in documents:
        for obj in _flatten(document, document.value):
            if is_config(obj):
                objects.append(obj)
                continue
            first, same = seen.setdefault(_identity(obj), (document, obj))
            if same is obj:
                objects.append(obj)
            elif same != obj:  # packages that bring one file twice exist
                group, kind, namespace, name = _identity(obj)
                named = f"{kind}{f'.{group}' if group else ''} {f'{namespace}/' if namespace else ''}{name}"
                raise RenderedInvalid(
                    f"{document.place}: {named} is given a second time with other content, first by {first.place}; "
                    "rename one of them or leave it out"
                )
    return objects


def _flatten(document: Document, value: Any) -> Iterator[Json]:
    if value is None or value == {}:
        return
    if not isinstance(value, dict):
        raise _invalid(document, f"is {type_name(value)}, where a Kubernetes object (a map) is expected")
    if _is_list(value):
        for index, item in enumerate(value["items"]):
            if item is None:
                raise _invalid(document, f"items[{index}] is empty")
            yield from _flatten(document, item)
        return
    _check_object(document, value)
    yield value


def _is_list(value: Json) -> bool:
    """`kind: List`, and typed lists such as ConfigMapList, which have no name of their own."""
    kind = value.get("kind")
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(value.get("items"), list):
        return False
    return kind == "List" or not (value.get("metadata") or {}).get("name")


def _check_object(document: Document, obj: Json) -> None:
    for key in ("apiVersion", "kind"):
        _require_text(document, obj.get(key), key, obj)
    if is_config(obj):  # it is read and never applied, so nobody needs a name of it
        _check_value(document, obj, "", 0)
        return
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        raise _invalid(document, f"{_what(obj)}metadata is {_found(metadata)}, where a map with a name is expected")
    if "generateName" in metadata and not metadata.get("name"):
        raise _invalid(
            document, f"{_what(obj)}metadata.generateName gives a new object each time: set metadata.name instead"
        )
    _require_text(document, metadata.get("name"), "metadata.name", obj)
    if metadata.get("namespace") is not None and not isinstance(metadata["namespace"], str):
        raise _not_text(document, metadata["namespace"], "metadata.namespace", obj)
    for marks in ("labels", "annotations"):
        _check_marks(document, metadata.get(marks), f"metadata.{marks}", obj)
    _check_value(document, obj, "", 0)


def _check_marks(document: Document, marks: Any, path: str, obj: Json) -> None:
    if marks is None:
        return
    if not isinstance(marks, dict):
        raise _invalid(document, f"{_what(obj)}{path} is {type_name(marks)}, where a map is expected")
    for key, value in marks.items():
        if not isinstance(value, str):
            raise _not_text(document, value, f"{path}[{key!r}]", obj)


def _check_value(document: Document, value: Any, path: str, depth: int) -> None:
    """All that JSON and the API server can hold, and nothing else."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise _invalid(document, f"{path or 'the document'} holds half of a surrogate pair, which is no text")
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if value.bit_length() > _INTEGER_BITS:
            raise _invalid(document, f"{path or 'the document'} is a number of over {_INTEGER_BITS} bits: quote it")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _invalid(document, f"{path or 'the document'} is not a finite number, which JSON cannot say")
    elif depth > _DEPTH_MOST:
        raise _invalid(document, f"it nests deeper than {_DEPTH_MOST} levels")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise _invalid(document, f"{path or 'the document'} has a key that is {type_name(key)}: quote it")
            _check_value(document, key, f"a key of {path or 'the document'}", depth)
            _check_value(document, item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_value(document, item, f"{path}[{index}]", depth + 1)
    else:
        raise _invalid(document, f"{path or 'the document'} is a {type(value).__name__}, which JSON cannot say")


def _require_text(document: Document, value: Any, path: str, obj: Json) -> None:
    if value is None or value == "":
        raise _invalid(document, f"{_what(obj)}{path} is missing, and every Kubernetes object needs one")
    if not isinstance(value, str):
        raise _not_text(document, value, path, obj)


def _not_text(document: Document, value: Any, path: str, obj: Json) -> RenderedInvalid:
    advice = ": quote it" if isinstance(value, bool | int | float) else ""
    return _invalid(document, f"{_what(obj)}{path} must be a text, found {type_name(value)}{advice}")


def _what(obj: Json) -> str:
    """The object in words, as far as it says what it is."""
    kind = obj.get("kind")
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    words = [word for word in (kind, name) if isinstance(word, str) and word]
    return f"{' '.join(words)}: " if isinstance(kind, str) and kind else ""


def _found(value: Any) -> str:
    return "missing" if value is None else type_name(value)


def _identity(obj: Json) -> tuple[str, str, str, str]:
    metadata = obj["metadata"]
    group = obj["apiVersion"].rpartition("/")[0]
    return group, obj["kind"], metadata.get("namespace") or "", metadata["name"]


def _invalid(document: Document, what: str) -> RenderedInvalid:
    return RenderedInvalid(f"{document.place}: {what}")
