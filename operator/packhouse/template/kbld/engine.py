"""The step `kbld`: what it reads, what it takes for its own words, and what it hands on.

Called through TEMPLATERS. Everything is decided from the documents at hand. With `resolve` the step says which
references only a registry knows the digest of; who asks it is the operator, which then renders again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from packhouse.api.errors import InvalidSpec, RenderedInvalid, RenderLimitExceeded, TemplateFailed
from packhouse.domain.references import read_reference
from packhouse.domain.yaml_text import load_all
from packhouse.ports import ImageAsk, Json
from packhouse.template import selection
from packhouse.template.documents import ASKED_MOST, PREVIOUS, Document, StepInput, Templater, stream
from packhouse.template.kbld.locks import Images, Override, is_lock, read_lock
from packhouse.template.kbld.references import rewrite
from packhouse.template.ytt.yaml import write as go_yaml

ANNOTATION: Final = "kbld.k14s.io/images"


def run(step: StepInput, options: Json) -> Sequence[Document]:
    """The documents of the paths in their order, those that only say which image is which left out.

    Raises TemplateFailed for a path that names nothing, UnsupportedStep for what the step cannot carry out,
    RenderedInvalid for a file that is no YAML, RenderLimitExceeded for too many references.
    """
    documents = list(_documents(step, options.get("paths") or ()))
    images = Images()
    for document in documents:
        if is_lock(document):
            read_lock(document, images)
    objects = [document for document in documents if not is_lock(document)]
    resolve = options.get("resolve") is True
    if images.is_empty and not resolve and not images.annotated:
        return objects
    rules = images.rules
    made = []
    for document in objects:
        answer = _Answer(step, images, document, resolve)
        value = rewrite(document.value, rules, answer.of)
        made.append(Document(document.file, document.line, answer.annotated(value), document.rendered))
    return made


class _Answer:
    """What stands for the references of one document."""

    __slots__ = ("_document", "_found", "_images", "_resolve", "_step")

    def __init__(self, step: StepInput, images: Images, document: Document, resolve: bool) -> None:
        self._step = step
        self._images = images
        self._document = document
        self._resolve = resolve
        self._found: dict[str, list[Any]] = {}

    def of(self, reference: str) -> str:
        override = self._images.find(reference)
        if override is not None and override.preresolved:
            return self._note(override.new, [*override.origins, {"preresolved": {"url": override.new}}])
        if override is not None and override.selection:
            return self._selected(override)
        wanted = reference if override is None else override.new
        if not self._resolve or not wanted or "@" in wanted:
            return self._note(wanted, [])
        self._check(wanted)
        return self._asked(ImageAsk(wanted))

    def _selected(self, override: Override) -> str:
        if not self._resolve:
            raise TemplateFailed(
                f"{override.place}.tagSelection would ask a registry, which the step does with resolve: true alone; "
                "set it, or name the image by tag"
            )
        self._check(override.new)
        return self._asked(ImageAsk(override.new, override.selection))

    def _asked(self, ask: ImageAsk) -> str:
        found = self._step.outside.images.get(ask)
        if found is not None:
            origin = {"tag": found.tag, "url": ask.image} if found.tag else {"url": ask.image}
            return self._note(found.url, [{"resolved": origin}])
        self._step.asked.add(ask)
        if len(self._step.asked) > ASKED_MOST:
            raise RenderLimitExceeded(
                f"template step kbld: more than {ASKED_MOST} references would be resolved; lock them in the bundle"
            )
        return ask.image

    def _check(self, reference: str) -> None:
        try:
            if not read_reference(reference).is_layout:
                return
            problem = f"{reference!r} is no image of a registry"
        except InvalidSpec as error:
            problem = error.message
        raise TemplateFailed(
            f"{self._document.place}: a reference cannot be resolved: {problem}; where it is none, let a search rule "
            "with updateStrategy none match it"
        )

    def _note(self, url: str, origins: list[Any]) -> str:
        self._found.setdefault(url, origins)
        return url

    def annotated(self, value: Any) -> Any:
        """`value` with the annotation that names its images, where a Config asks for it."""
        if not self._images.annotated or not self._found or not isinstance(value, dict):
            return value
        metadata = value.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        before = metadata.get("annotations")
        images = [
            {"origins": origins, "url": url} if origins else {"url": url}
            for url, origins in sorted(self._found.items())
        ]
        annotations = {**(before if isinstance(before, dict) else {}), ANNOTATION: go_yaml.encode(images)}
        return {**value, "metadata": {**metadata, "annotations": annotations}}


def _documents(step: StepInput, paths: Sequence[str]) -> Iterator[Document]:
    for path in paths or ["." if step.previous is None else PREVIOUS]:
        if path == PREVIOUS:
            yield from stream(step, "kbld")
            continue
        for name in selection.below(step.files, path, "kbld"):
            # a folder's other files are none of the step's; a file that is named is
            if selection.manifest_name(name) or name == selection.plain(path):
                for line, value in load_all(selection.text(step.files, name), name, RenderedInvalid):
                    yield Document(name, line, value)


KBLD: Final = Templater(run=run, options=frozenset({"paths", "resolve"}))
