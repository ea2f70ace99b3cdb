"""The step `kbld`: what it reads, what it takes for its own words, and what it hands on.

Called through TEMPLATERS. Everything is decided from the documents at hand: no registry is asked for a digest, and
nothing but image references changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.yaml_text import load_all
from packhouse.ports import Json
from packhouse.template import selection
from packhouse.template.documents import PREVIOUS, Document, StepInput, Templater, stream
from packhouse.template.kbld.locks import Images, is_lock, read_lock
from packhouse.template.kbld.references import rewrite


def run(step: StepInput, options: Json) -> Sequence[Document]:
    """The documents of the paths in their order, those that only say which image is which left out.

    Raises TemplateFailed for a path that names nothing, UnsupportedStep for what the step cannot carry out,
    RenderedInvalid for a file that is no YAML.
    """
    documents = list(_documents(step, options.get("paths") or ()))
    images = Images()
    for document in documents:
        if is_lock(document):
            read_lock(document, images)
    return [
        Document(document.file, document.line, rewrite(document.value, images), document.rendered)
        for document in documents
        if not is_lock(document)
    ]


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


KBLD: Final = Templater(run=run, options=frozenset({"paths"}))
