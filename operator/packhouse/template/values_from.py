"""Where a step takes values from besides those of the install (`valuesFrom`): the same for every engine.

Called by the engines. Texts come in the order of the list, later ones win; what a Secret holds is marked, so that no
message shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from packhouse.api.errors import TemplateFailed
from packhouse.domain.step_references import referred
from packhouse.ports import Json, ValuesDocument
from packhouse.template import selection
from packhouse.template.documents import PREVIOUS, StepInput, stream
from packhouse.template.downward_api import values_texts

_YAML: Final = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class ValuesText:
    """One text of YAML, the words that name it in messages, and whether no message may quote it."""

    source: str
    text: str = field(repr=False)
    is_secret: bool = False

    @property
    def document(self) -> ValuesDocument:
        return ValuesDocument(self.source, self.text)


def values_from(
    step: StepInput,
    sources: Sequence[Json],
    name: str,
    *,
    previous: Callable[[StepInput], Iterator[ValuesText]] | None = None,
) -> list[ValuesText]:
    """The texts that the engine `name` takes; `previous` writes the output of the step before, else it is JSON.

    Raises TemplateFailed for a path that names nothing or leads out, for no UTF-8, and for what downwardAPI refuses.
    """
    found: list[ValuesText] = []
    for source in sources:
        named = referred(source)
        if named is not None:
            found += _referred(step, named, name)
        elif source.get("path") == PREVIOUS:
            found += (previous or (lambda step: _previous(step, name)))(step)
        elif source.get("path"):
            found += _files(step, source["path"], name)
        else:
            found += _downward(step, source.get("downwardAPI") or {}, name)
    return found


def _referred(step: StepInput, named: tuple[str, str], name: str) -> Iterator[ValuesText]:
    """The keys of a Secret or a ConfigMap, sorted."""
    kind, called = named
    for key, content in sorted(step.outside.references[named].items()):
        source = f"{kind} {called} key {key}"
        try:
            yield ValuesText(source, content.decode("utf-8-sig"), kind == "Secret")
        except UnicodeDecodeError:
            raise TemplateFailed(
                f"template step {name}: {source}: the content is no UTF-8 text; values are YAML"
            ) from None


def _previous(step: StepInput, name: str) -> Iterator[ValuesText]:
    """Each document by itself: it may show what came from values, and those from Secrets."""
    for document in stream(step, name):
        yield ValuesText(document.place, json.dumps(document.value, ensure_ascii=False), is_secret=True)


def _files(step: StepInput, path: str, name: str) -> Iterator[ValuesText]:
    """A file whatever it is called; of a folder what is called YAML."""
    for file in selection.below(step.files, path, name):
        if file == selection.plain(path) or file.endswith(_YAML):
            yield ValuesText(file, selection.text(step.files, file), file in step.secret_files)


def _downward(step: StepInput, asked: Json, name: str) -> Iterator[ValuesText]:
    try:
        texts = values_texts(asked.get("items") or [], step.outside.metadata, step.context.get("cluster") or {})
    except TemplateFailed as error:
        raise TemplateFailed(f"template step {name}: {error}") from None
    for number, text in enumerate(texts):
        yield ValuesText(f"downwardAPI item {number}", text)
