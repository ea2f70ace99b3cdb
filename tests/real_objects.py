"""What real packages say in kapp's words: the objects that say it, and a list of all that is said anywhere.

Read from the conformance folder (see conformance.py), where it is. Objects come as the original rendered them; those of
which no rendered output exists are cut out of the sources of their package. Every object is a copy of the reader's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

import conformance
from conformance import KAPP
from lab import Json

CONFIG_API = f"{KAPP}v1alpha1"
CONFIG_LABEL = f"{KAPP}config"
#: An annotation with its value, in YAML or as Starlark sets it.
ANNOTATION = re.compile(rf"{re.escape(KAPP)}([\w.-]+)[\"']?\]?[ \t]*[:=][ \t]*(.*?)[ \t]*$", re.MULTILINE)
#: What a change group is called is its package's own affair.
GROUPS = re.compile(r"\S+$")


@dataclass(frozen=True, slots=True)
class Said:
    """One object of a rendered output, and which annotation made us take it."""

    package: str
    text: str

    @property
    def obj(self) -> Json:
        found: Json = json.loads(self.text)
        return found

    def __str__(self) -> str:
        obj = self.obj
        return f"{obj['kind']} {obj['metadata']['name']} of {self.package}"


def saying(annotation: str, value: str | None = None) -> list[Said]:
    """The objects that say so, one of each kind of each package: that of the last output that has one."""
    found: dict[tuple[str, str], Said] = {}
    for case in conformance.rendered():
        if f"{KAPP}{annotation}" not in case.text:
            continue
        for obj in case.objects:
            said = (obj["metadata"].get("annotations") or {}).get(f"{KAPP}{annotation}")
            if said is not None and value in (None, said):
                found[case.package, obj["kind"]] = Said(case.package, json.dumps(obj))
    return [found[key] for key in sorted(found)]


def rendered(package: str, kind: str, name: str) -> Json:
    """That object of the package's last rendered output."""
    case = [case for case in conformance.rendered() if case.package == package][-1]
    [found] = [obj for obj in case.objects if (obj["kind"], obj["metadata"]["name"]) == (kind, name)]
    return Said(package, json.dumps(found)).obj


def own_config(package: str) -> Json:
    """The `kind: Config` of the package's last rendered output."""
    case = [case for case in conformance.rendered() if case.package == package][-1]
    documents = yaml.load_all(case.text, Loader=yaml.CSafeLoader)
    [found] = [document for document in documents if document and document["apiVersion"] == CONFIG_API]
    config: Json = found
    return config


def function(source: str, name: str) -> Json:
    """The object that a ytt function without parameters returns. `source` is a path below packages/."""
    text = (_packages() / source).read_text()
    body = text.partition(f"#@ def {name}():\n")[2].partition("\n#@ end")[0]
    assert body, f"{source} defines no {name}()"
    obj: Json = yaml.safe_load(body)
    return obj


def source(path: str) -> Json:
    """The one object of a plain file below packages/."""
    obj: Json = yaml.safe_load((_packages() / path).read_text())
    return obj


def deploy_step(package: str) -> Json:
    """How the newest version of the package asks to be deployed."""
    newest = sorted(_packages().glob(f"{package}/*/package.yaml"))[-1]
    [step] = yaml.safe_load(newest.read_text())["spec"]["template"]["spec"]["deploy"]
    kapp: Json = step["kapp"]
    return kapp


# ---- all that is said anywhere ---------------------------------------------------------------------------


def words() -> dict[str, str]:
    """All annotations with their values, parts of Configs and options of deploy steps in the packages; to each, a file
    that has it."""
    found: dict[str, str] = {}
    for file in sorted(_packages().rglob("*")):
        if not file.is_file():
            continue
        text = file.read_text(errors="replace")
        for word in (*_annotations(text), *_configs(text), *_options(file, text)):
            found.setdefault(word, str(file.relative_to(_packages())))
    return found


def _annotations(text: str) -> Iterator[str]:
    for key, value in ANNOTATION.findall(text):
        name, value = key.partition(".")[0], value.strip("\"'")
        yield f"{name}: {GROUPS.sub('GROUP', value) if name in ('change-group', 'change-rule') else value}"


def _configs(text: str) -> Iterator[str]:
    """`#@` begins a comment of YAML, so a template is read as it stands, or named as one that cannot be."""
    if CONFIG_API not in text:
        return
    try:
        documents = [document for document in yaml.safe_load_all(text) if isinstance(document, dict)]
        wrapped = [doc for doc in documents if CONFIG_LABEL in ((doc.get("metadata") or {}).get("labels") or {})]
        documents += [yaml.safe_load(doc["data"]["config.yml"]) for doc in wrapped]
    except yaml.YAMLError:
        yield "a Config that is no YAML before it is rendered"
        return
    for document in documents:
        if document.get("apiVersion") == CONFIG_API:
            yield from _config(document)


def _config(config: Json) -> Iterator[str]:
    for section in config.keys() - {"apiVersion", "kind"}:
        yield section
        rules = config[section] if isinstance(config[section], list) else []
        for rule in rules:
            yield f"{section} {_shape(rule)}"
            yield from _matchers(rule.get("resourceMatchers") or [])


def _shape(rule: Json) -> str:
    """What a rule does, without the places that it names."""
    parts = {key: rule[key] for key in sorted(rule.keys() - {"path", "paths", "resourceMatchers"})}
    return json.dumps(parts, sort_keys=True)


def _matchers(matchers: Sequence[Json]) -> Iterator[str]:
    for matcher in matchers:
        for name, content in matcher.items():
            yield name
            inner = (content or {}).get("matchers") or [(content or {}).get("matcher")]
            yield from _matchers([found for found in inner if found])


def _options(file: Path, text: str) -> Iterator[str]:
    if file.name != "package.yaml" or "rawOptions" not in text:
        return
    for step in yaml.safe_load(text)["spec"]["template"]["spec"]["deploy"]:
        yield from (option.partition("=")[0] for option in step["kapp"].get("rawOptions") or [])


def _packages() -> Path:
    assert conformance.FOLDER is not None
    return conformance.FOLDER / "packages"
