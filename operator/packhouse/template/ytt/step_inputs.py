"""From the options of a step to the files and values of a rendering, in kapp-controller's order.

Called by engine.py. Files: `paths` (or the step before, or the whole folder), then `inline`, then the overlays that the
install adds, then its values where they are files. Values: `valuesFrom`, then the install's own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from packhouse.api.errors import TemplateFailed
from packhouse.domain.step_references import referred
from packhouse.ports import Json, ValuesDocument
from packhouse.template import selection
from packhouse.template.documents import PREVIOUS, StepInput, stream
from packhouse.template.values_from import ValuesText, values_from
from packhouse.template.ytt.workspace.inputs import InputFile
from packhouse.template.ytt.yaml.write import write

_STEP: Final = "ytt"
#: What the output of the step before is called.
_STREAM_FILE: Final = "stdin.yml"
_YAML: Final = (".yml", ".yaml")
#: Values that say of themselves that they are an overlay, where plain ones would be refused for the comment.
_OVERLAY: Final = re.compile(r"^#@[ \t]*data/values\b", re.MULTILINE)


@dataclass(slots=True)
class Inputs:
    """`secrets`: the texts of which no error may show a line."""

    files: list[InputFile] = field(default_factory=list)
    values: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def hide(self, content: bytes) -> None:
        self.secrets.append(content.decode(errors="replace"))


def gather(step: StepInput, options: Json) -> Inputs:
    """Raises TemplateFailed for a path that names nothing, or leads out of the package."""
    inputs = Inputs(files=list(_files(step, options.get("paths") or ())))
    for decrypted in step.secret_files:
        inputs.hide(step.files[decrypted])
    _add_inline(step, options.get("inline") or {}, inputs)
    for overlay in step.outside.overlays:
        inputs.files.append(InputFile(overlay.name, overlay.content))
        inputs.hide(overlay.content)
    for taken in values_from(step, options.get("valuesFrom") or (), _STEP, previous=_previous):
        inputs.values.append((taken.source, taken.text))
        if taken.is_secret:
            inputs.secrets.append(taken.text)
    for document in step.values_documents:
        _add_values(document, inputs, as_file=step.outside.values_as_files)
    return inputs


def _files(step: StepInput, paths: Sequence[str]) -> Iterator[InputFile]:
    for path in paths or ["." if step.previous is None else PREVIOUS]:
        if path == PREVIOUS:
            yield InputFile(_STREAM_FILE, _stream_text(step).encode())
            continue
        folder = selection.plain(path)
        for name in selection.below(step.files, path, _STEP):
            yield InputFile(_relative(name, folder), step.files[name])


def _relative(name: str, folder: str) -> str:
    """As a file of that folder is called; a file that is named itself goes by its last part."""
    if folder == ".":
        return name
    return posixpath.basename(name) if name == folder else name[len(folder) + 1 :]


def _previous(step: StepInput) -> Iterator[ValuesText]:
    yield ValuesText(_STREAM_FILE, _stream_text(step), is_secret=True)


def _stream_text(step: StepInput) -> str:
    return write(document.value for document in stream(step, _STEP))


def _add_inline(step: StepInput, inline: Json, inputs: Inputs) -> None:
    """One folder, as kapp-controller makes it: a later file takes the place of an earlier one, all are sorted."""
    folder = {_inside(path): text.encode() for path, text in (inline.get("paths") or {}).items()}
    for source in inline.get("pathsFrom") or ():
        named = referred(source)
        if named is None:
            raise TemplateFailed("template step ytt: an entry of inline.pathsFrom names no Secret and no ConfigMap")
        kind, _ = named
        below = (source.get("secretRef") or source.get("configMapRef") or {}).get("directoryPath") or ""
        for key, content in step.outside.references[named].items():
            folder[_inside(posixpath.join(below, key))] = content
            if kind == "Secret":
                inputs.hide(content)
    inputs.files += [InputFile(path, content) for path, content in sorted(folder.items())]


def _inside(path: str) -> str:
    plain = selection.plain(path)
    if plain in (".", "..") or plain.startswith("../"):
        raise TemplateFailed(f"template step ytt: inline: {path!r} is no path below a folder")
    return plain


def _add_values(document: ValuesDocument, inputs: Inputs, *, as_file: bool) -> None:
    inputs.secrets.append(document.text)
    if as_file:
        inputs.files.append(InputFile(document.name, document.text.encode()))
    elif _OVERLAY.search(document.text):
        name = document.name if document.name.endswith(_YAML) else f"{document.name or 'values'}.yml"
        inputs.files.append(InputFile(name, document.text.encode()))
    else:
        inputs.values.append((document.source, document.text))
