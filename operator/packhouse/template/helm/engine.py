"""The step `helmTemplate`: a chart among the files, rendered by helm with values of the step and of the install.

Called through TEMPLATERS. Decides what helm is told; who runs it is StepInput.helm. The output of the step before is
no chart: it may be values (`valuesFrom` with the path "-").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import yaml

from packhouse.api.errors import RendererUnavailable, TemplateFailed
from packhouse.ports import Json
from packhouse.template.disclosure import without_secrets
from packhouse.template.documents import PREVIOUS, Document, HelmOutput, HelmRun, StepInput, Templater
from packhouse.template.downward_api import kubernetes_version
from packhouse.template.helm import output
from packhouse.template.helm.chart import STEP, pack
from packhouse.template.helm.hooks import sort_out
from packhouse.template.values_from import ValuesText, values_from

_OPTIONS: Final = frozenset({"path", "name", "namespace", "valuesFrom", "kubernetesVersion", "kubernetesAPIs"})
#: One word of the command line, and in a list that helm splits at commas.
_WORD: Final = re.compile(r"[A-Za-z0-9._/+~-]*")
_TEXTS_MOST: Final = 500


def run(step: StepInput, options: Json) -> Sequence[Document]:
    """Raises TemplateFailed with helm's words, RenderLimitExceeded, RenderedInvalid, RendererUnavailable."""
    if step.helm is None:
        raise RendererUnavailable(f"template step {STEP}: this renderer runs no helm")
    texts = _texts(step, options)
    told = _told(step, options, pack(step.files, options.get("path") or ""), texts)
    printed = step.helm(told)
    remarks = _shown(step, texts, printed)
    if printed.failed:
        raise TemplateFailed(f"template step {STEP}: helm: {output.message(remarks)}")
    step.warnings.extend(output.warnings(remarks))
    step.meter.weigh(len(printed.manifests))
    manifests = printed.manifests.decode(errors="replace")
    return sort_out(list(output.documents(manifests)), step.warnings)


def _texts(step: StepInput, options: Json) -> list[ValuesText]:
    """`valuesFrom` in its order, then the install's own; a text of several documents is as many texts."""
    sources = options.get("valuesFrom") or ()
    if step.previous and not any(source.get("path") == PREVIOUS for source in sources):
        step.warnings.append(
            f"template step {STEP} does not use the output of the step before: a chart reads it as values, "
            f'by an item of valuesFrom with path: "{PREVIOUS}"'
        )
    own = [ValuesText(document.source, document.text, is_secret=True) for document in step.values_documents]
    taken = [part for text in [*values_from(step, sources, STEP), *own] for part in _apart(text)]
    if len(taken) > _TEXTS_MOST:
        raise TemplateFailed(f"template step {STEP}: more than {_TEXTS_MOST} texts of values; bring them in fewer keys")
    return taken


def _apart(text: ValuesText) -> Iterator[ValuesText]:
    """Of several documents helm would read the first alone."""
    lines = text.text.splitlines(keepends=True)
    try:
        begins = [
            event.start_mark.line
            for event in yaml.parse(text.text, Loader=yaml.CSafeLoader)
            if isinstance(event, yaml.DocumentStartEvent) and event.start_mark is not None
        ]
    except (yaml.YAMLError, UnicodeError):  # helm says what is wrong with it
        begins = []
    if len(begins) < 2:
        yield text
        return
    for begin, end in zip([0, *begins[1:]], [*begins[1:], len(lines)], strict=True):
        yield ValuesText(text.source, "".join(lines[begin:end]), text.is_secret)


def _told(step: StepInput, options: Json, chart: bytes, texts: Sequence[ValuesText]) -> HelmRun:
    install = step.context.get("install") or {}
    cluster = step.context.get("cluster") or {}
    served = (options.get("kubernetesAPIs") or {}).get("groupVersions")
    return HelmRun(
        chart=chart,
        values=[text.text.encode() for text in texts],
        name=_word("name", options.get("name") or install.get("name") or ""),
        namespace=_word("namespace", options.get("namespace") or install.get("namespace") or ""),
        kube_version=_word(
            "kubernetesVersion",
            (options.get("kubernetesVersion") or {}).get("version") or kubernetes_version(cluster),
        ),
        api_versions=[
            _word("kubernetesAPIs", version)
            for version in (served if served is not None else cluster.get("apiGroups", ()))
        ],
    )


def _word(option: str, word: str) -> str:
    if not _WORD.fullmatch(word):
        raise TemplateFailed(f"template step {STEP}: {option} {word!r} holds characters that no such word has")
    return word


def _shown(step: StepInput, texts: Sequence[ValuesText], printed: HelmOutput) -> str:
    """What helm said, without what only Secrets say: charts quote values in their own words (`fail`, schemas)."""
    if not printed.errors:
        return ""
    secrets = [text.text for text in texts if text.is_secret]
    secrets += [step.files[name].decode(errors="replace") for name in step.secret_files]
    return without_secrets(printed.errors, secrets, step.is_public)


HELM_TEMPLATE: Final = Templater(run=run, options=_OPTIONS, merges_values=True)
