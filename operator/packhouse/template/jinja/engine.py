"""The step `jinja2`: every manifest among the chosen files is rendered, in the order of their paths.

Called through TEMPLATERS. Compiled templates are kept for as long as the worker lives; nothing else is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from packhouse.api.errors import PackhouseError, RenderedInvalid
from packhouse.domain import values
from packhouse.domain.yaml_text import load_all
from packhouse.ports import Json
from packhouse.template import selection
from packhouse.template.disclosure import without_secrets
from packhouse.template.documents import PREVIOUS, Document, StepInput, Templater, origin
from packhouse.template.jinja.files import Files
from packhouse.template.jinja.filters import to_yaml
from packhouse.template.jinja.problems import explain
from packhouse.template.jinja.sandbox import CompiledTemplates, Sources, TemplateEnvironment
from packhouse.template.values_from import values_from

#: A file may be called web.yml, web.yml.j2 or web.yml.jinja2; each is rendered.
_SUFFIXES: Final = (".j2", ".jinja2")

_compiled: Final = CompiledTemplates()


def run(step: StepInput, options: Json) -> Sequence[Document]:
    """Raises TemplateFailed and RenderLimitExceeded with file:line, RenderedInvalid where a template gives no YAML."""
    paths = options.get("paths") or ([PREVIOUS] if step.previous is not None else [])
    names = [] if paths == [PREVIOUS] else selection.select(step.files, paths, "jinja2")
    templates = [name for name in names if selection.manifest_name(name, _SUFFIXES)]
    given = {}
    if PREVIOUS in paths and step.previous is not None:
        given[PREVIOUS] = _text(step.previous)
        templates.insert(0, PREVIOUS)
    sources = Sources(step.files, given)
    environment = TemplateEnvironment(sources, _compiled)
    context = {**step.context, "values": _values(step, options), "files": Files(step.files)}
    return [document for name in templates for document in _render(environment, sources, name, context, step)]


def _values(step: StepInput, options: Json) -> Json:
    """What `valuesFrom` brings stands over the defaults of the schema, and the install's own values over that."""
    sources = options.get("valuesFrom")
    if not sources:
        return step.values
    documents = [taken.document for taken in values_from(step, sources, "jinja2")]
    return values.merge([step.defaults, *values.parse(documents), step.given])


def _render(
    environment: TemplateEnvironment, sources: Sources, name: str, context: dict[str, Any], step: StepInput
) -> list[Document]:
    parts: list[str] = []
    try:
        for part in environment.get_template(name).generate(context):
            step.meter.add(part)
            parts.append(part)
    except MemoryError:
        raise
    except Exception as error:
        raise _explained(error, name, sources, step) from None
    loaded = load_all("".join(parts), origin(name, rendered=True), RenderedInvalid)
    return [Document(name, line, value, rendered=True) for line, value in loaded]


def _explained(error: Exception, name: str, sources: Sources, step: StepInput) -> PackhouseError:
    """Of a file that was decrypted, neither lines nor words are shown."""
    if not step.secret_files:
        return explain(error, name, sources.texts, step.files)
    public = {path: text for path, text in sources.texts.items() if path not in step.secret_files}
    explained = explain(error, name, public, step.files)
    secrets = [step.files[path].decode(errors="replace") for path in step.secret_files]
    return type(explained)(without_secrets(explained.message, secrets, step.is_public))


def _text(documents: Sequence[Document]) -> str:
    return "".join(f"---\n{to_yaml(document.value)}\n" for document in documents)


JINJA2: Final = Templater(run=run, options=frozenset({"paths", "valuesFrom"}), takes_values=True)
