"""The step `ytt`: files and values of a package become documents, in the way of kapp-controller.

Called through TEMPLATERS. What was compiled is kept by content in this process (workspace/cache.py); documents are
handed on as values, so that nobody parses them again.
"""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid, RenderLimitExceeded, TemplateFailed
from packhouse.ports import Json
from packhouse.template.disclosure import without_secrets
from packhouse.template.documents import Document, OutputMeter, StepInput, Templater
from packhouse.template.ytt import modules, nodes
from packhouse.template.ytt.errors import LimitExceeded, YttError
from packhouse.template.ytt.report import as_printed
from packhouse.template.ytt.step_inputs import Inputs, gather
from packhouse.template.ytt.workspace.inputs import DataValues, Options
from packhouse.template.ytt.workspace.render import render

_OPTIONS: Final = frozenset({"paths", "inline", "valuesFrom", "ignoreUnknownComments", "strict", "fileMarks"})
#: What an item takes at least, as JSON.
_ITEM_BYTES: Final = 8


def prepare() -> None:
    """Imports what templates may load, which is else imported when the first one does. For a process that stays."""
    for module in pkgutil.iter_modules(modules.__path__, f"{modules.__name__}."):
        import_module(module.name)
    import_module("packhouse.template.ytt.overlay.module")


def run(step: StepInput, options: Json) -> Sequence[Document]:
    """Raises TemplateFailed with the original's message, RenderLimitExceeded, RenderedInvalid."""
    inputs = gather(step, options)
    documents = _rendered(step, inputs, options)
    found = []
    for document in documents.items:
        place = (document.source.name, document.line) if document.line else ("the output of ytt", 1)
        found.append(Document(*place, _plain(document.value, step.meter)))
    return found


def _rendered(step: StepInput, inputs: Inputs, options: Json) -> nodes.DocumentSet:
    told = Options(
        ignore_unknown_comments=bool(options.get("ignoreUnknownComments")),
        strict=bool(options.get("strict")),
        file_marks=tuple(options.get("fileMarks") or ()),
    )
    try:
        return render(inputs.files, DataValues(files=tuple(inputs.values)), told).documents
    except YttError as error:
        shown = without_secrets(error.message, inputs.secrets, step.is_public)
        raise TemplateFailed(as_printed(shown)) from None
    except LimitExceeded as error:
        raise RenderLimitExceeded(f"rendering was ended: {error.what}; simplify the templates") from None


def _plain(value: Any, meter: OutputMeter) -> Any:
    """Nodes as the values that JSON can say; keys become texts, as they do where YAML is read for Kubernetes.

    Nodes that stand in many places become as many values: they are counted. Raises RenderedInvalid for a key that is
    null or stands twice, RenderLimitExceeded.
    """
    if isinstance(value, nodes.Map):
        meter.weigh(_ITEM_BYTES * len(value.items))
        plain = {}
        for item in value.items:
            key, inner = item.key, item.value
            if type(key) is not str:
                key = _key(item)
            plain[key] = _plain(inner, meter) if isinstance(inner, nodes.Node) else inner
        if len(plain) != len(value.items):
            raise RenderedInvalid(f"{_second(value)}: the key stands twice in its map")
        return plain
    if isinstance(value, nodes.Array | nodes.DocumentSet):
        meter.weigh(_ITEM_BYTES * len(value.items))
        return [_plain(item.value, meter) if isinstance(item.value, nodes.Node) else item.value for item in value.items]
    return value


def _key(item: nodes.MapItem) -> str:
    key = item.key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return str(key)
    if isinstance(key, float) and math.isfinite(key):
        return str(int(key)) if key.is_integer() and abs(key) < 1e21 else repr(key)
    raise RenderedInvalid(f"{item.place}: a key must be a text, found {'null' if key is None else key}")


def _second(value: nodes.Map) -> str:
    """Where the first key stands that was there before."""
    seen = set()
    for item in value.items:
        key = item.key if type(item.key) is str else _key(item)
        if key in seen:
            return item.place
        seen.add(key)
    return value.place


YTT: Final = Templater(run=run, options=_OPTIONS, merges_values=True, takes_overlays=True)
