"""What a renderer answered, read with suspicion: it works on content that we did not write and may have lost to it.

Called by adapters/renderer_client.py, in the operator. Whatever does not have exactly the agreed shape is a
RendererUnavailable; only errors that a renderer may raise become errors again.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from packhouse.api import errors
from packhouse.api.errors import BY_REASON, PackhouseError, RendererUnavailable
from packhouse.domain.kapp.config import is_config
from packhouse.ports import BundleContent, BundleFault, ImageAsk, Json, Rendered
from packhouse.template.documents import ASKED_MOST

#: What a renderer may say went wrong; any other reason is not its business.
MAY_RAISE: Final[frozenset[type[PackhouseError]]] = frozenset(
    {
        errors.ValuesInvalid,
        errors.ValuesSchemaInvalid,
        errors.TemplateFailed,
        errors.RenderedInvalid,
        errors.UnsupportedStep,
        errors.RenderLimitExceeded,
        errors.RendererUnavailable,
    }
)
#: The reason a worker gives for a bug of ours; it has no error class on purpose.
INTERNAL: Final = "InternalError"

_ASK_MOST: Final = 4_096  # characters of one of them
_MESSAGE_MOST = 8_000  # characters of a message that ends up in a status
_WARNINGS_MOST = 100
_DEPTH_MOST = 200


class RendererBug(Exception):
    """The renderer met a bug of ours; the words name places in our code, never content."""


def error_answer(error: PackhouseError) -> Json:
    return {"reason": error.reason.value, "message": error.message}


def read_render(answer: bytes) -> Rendered:
    """Raises what a renderer may raise, RendererUnavailable for a wrong answer."""
    message = _open(answer, {"objects", "warnings", "asked"})
    objects = [_rendered(entry) for entry in _list(message["objects"])]
    warnings = [_text(entry) for entry in _list(message["warnings"])[:_WARNINGS_MOST]]
    asked = _list(message["asked"])
    if len(asked) > ASKED_MOST:
        raise _wrong(f"more than {ASKED_MOST} questions")
    return Rendered(objects, warnings, tuple(_ask(entry) for entry in asked))


def read_bundle(answer: bytes) -> BundleContent:
    """Raises what a renderer may raise, RendererUnavailable for a wrong answer."""
    message = _open(answer, {"documents", "faults"})
    documents = [_object(entry) for entry in _list(message["documents"])]
    return BundleContent(documents, [_fault(entry) for entry in _list(message["faults"])])


def _open(answer: bytes, expected: set[str]) -> dict[str, Any]:
    try:
        message = json.loads(answer, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _wrong("no JSON") from error
    if not isinstance(message, dict):
        raise _wrong("no map")
    if set(message) == {"reason", "message"}:
        _raise(message["reason"], message["message"])
    if set(message) != expected:
        raise _wrong("other keys than agreed")
    if _depth_exceeds(message, _DEPTH_MOST):
        raise _wrong(f"values that nest deeper than {_DEPTH_MOST} levels")
    return message


def _raise(reason: object, text: object) -> NoReturn:
    if reason == INTERNAL:
        raise RendererBug(_text(text))
    kind = BY_REASON.get(reason) if isinstance(reason, str) else None
    if kind is None or kind not in MAY_RAISE:
        raise _wrong("an error that a renderer may not raise")
    raise kind(_text(text))


def _depth_exceeds(value: object, most: int) -> bool:
    level: list[object] = [value]
    for _ in range(most):
        level = [
            item
            for entry in level
            if isinstance(entry, dict | list)
            for item in (entry.values() if isinstance(entry, dict) else entry)
        ]
        if not level:
            return False
    return True


def _rendered(entry: object) -> Json:
    """An object, or a Config of kapp's, which is read and never applied and so needs no name."""
    if isinstance(entry, dict) and {"apiVersion", "kind"} <= entry.keys() and is_config(entry):
        return entry
    return _object(entry)


def _object(entry: object) -> Json:
    """A Kubernetes object as far as everything behind this door relies on it."""
    if not isinstance(entry, dict):
        raise _wrong("an object that is no map")
    metadata = entry.get("metadata")
    if not isinstance(metadata, dict):
        raise _wrong("an object without metadata")
    named = [entry.get("apiVersion"), entry.get("kind"), metadata.get("name")]
    if not all(isinstance(word, str) and word for word in named):
        raise _wrong("an object without apiVersion, kind or metadata.name")
    if not isinstance(metadata.get("namespace", ""), str | None):
        raise _wrong("an object whose namespace is no text")
    for marks in ("labels", "annotations"):
        entries = metadata.get(marks)
        if entries is not None and not (
            isinstance(entries, dict) and all(isinstance(value, str) for value in entries.values())
        ):
            raise _wrong(f"an object whose {marks} are no texts")
    return entry


def _ask(entry: object) -> ImageAsk:
    if not isinstance(entry, dict) or set(entry) != {"image", "selection"}:
        raise _wrong("a question of another shape")
    image, selection = entry["image"], entry["selection"]
    if not isinstance(image, str) or not isinstance(selection, str):
        raise _wrong("a question that is no text")
    if len(image) + len(selection) > _ASK_MOST:
        raise _wrong(f"a question of more than {_ASK_MOST} characters")
    return ImageAsk(image, selection)


def _fault(entry: object) -> BundleFault:
    if not isinstance(entry, dict) or set(entry) != {"file", "line", "message"}:
        raise _wrong("a fault of another shape")
    if not isinstance(entry["line"], int):
        raise _wrong("a fault without a line")
    return BundleFault(_text(entry["file"]), entry["line"], _text(entry["message"]))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong("no list where one was agreed")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong("no text where one was agreed")
    kept = "".join(character for character in value[:_MESSAGE_MOST] if character.isprintable() or character == "\n")
    return kept if len(value) <= _MESSAGE_MOST else f"{kept} ..."


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _wrong(what: str) -> RendererUnavailable:
    return RendererUnavailable(
        f"the renderer gave an answer that cannot be used ({what}); check that it runs the same version of packhouse"
    )
