"""Bad packages, values and rights, each as a row: the install says what is wrong and where, and nothing changes.

Each row is given to an install that is new and to one that runs version 1.0.0 well. Packages are made by hand with
their files inline. Secrets with values hold texts that must never be shown (refusals.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab import Json, Lab, OperatorProcess, account, inline, install, package, secret
from refusals import (
    PIN,
    SECRET,
    Refusal,
    audit_position,
    footprint,
    no_secret_is_shown,
    refused,
    written_since,
)

GOOD = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ install.name }}
data:
  version: {{ package.version }}
"""
VALUES = f"password: {SECRET}\npin: {PIN}\n"
RBAC = "rbac.authorization.k8s.io"
READ = ["get", "list", "watch"]
WRITE = ["create", "patch", "delete"]


def and_also(text: str) -> str:
    """The good ConfigMap, and a second document that spoils it."""
    return f"{GOOD}---\n{text}"


def rule(resource: str, verbs: Sequence[str], group: str = "") -> Json:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


def bombed_aliases(levels: int = 12) -> str:
    """Each level names the one before ten times."""
    lines = [f"a0: &a0 [{SECRET}]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Row:
    """Version 2.0.0 of a package, and an install that wants it. Everything that is not said is good."""

    sentence: str
    refusal: Refusal
    files: Mapping[str, str] = field(default_factory=lambda: {"web.yaml": GOOD})
    stages: Mapping[str, Any] = field(default_factory=dict)  # of the package, in the place of the good ones
    schema: Json | None = None
    values: str = VALUES
    wish: Mapping[str, Any] = field(default_factory=lambda: {"version": "2.0.0"})  # packageRef
    spec: Mapping[str, Any] = field(default_factory=dict)  # of the install, in the place of the good ones
    rules: Sequence[Json] | None = None  # of the service account; None: everything in its namespace
    everywhere: bool = False  # the service account may do everything in all namespaces
    neighbour: bool = False  # an install of that name runs beside


def template(text: str) -> dict[str, str]:
    return {"web.yaml": text}


CATALOGUE = (
    Row(
        "no package of that name is known",
        Refusal("PackageNotFound", ["absent.example.com", "PackageRepository", "publicName"]),
        wish={"publicName": "absent.example.com", "version": "2.0.0"},
    ),
    Row(
        "the package has no such version",
        Refusal("PackageNotFound", ["$word.example.com", "7.0.0", "the highest is 2.0.0", "spec.packageRef.version"]),
        wish={"version": "7.0.0"},
    ),
    Row(
        "the constraint takes no version",
        Refusal("NoMatchingVersion", ["$word.example.com", ">=3.0.0", "highest is 2.0.0", "versionSelection"]),
        wish={"versionSelection": {"constraint": ">=3.0.0"}},
    ),
    Row(
        "the constraint cannot be read",
        Refusal("InvalidConstraint", [">=banana", "cannot be read"]),
        wish={"versionSelection": {"constraint": ">=banana"}},
    ),
    Row(
        "version and selection contradict each other",
        Refusal("InvalidConstraint", ["2.0.0", "<2.0.0", "contradicts", "make them agree"]),
        wish={"version": "2.0.0", "versionSelection": {"constraint": "<2.0.0"}},
    ),
    Row(
        "only repositories that offer nothing are trusted",
        Refusal("PackageNotFound", ["$word.example.com", "spec.packageRef.repositories"]),
        wish={"version": "2.0.0", "repositories": ["nobody"]},
    ),
)

STAGES = (
    Row(
        "the package's git server takes no connection",
        Refusal("SourceUnreachable", ["127.0.0.1:1"]),
        stages={"fetch": [{"git": {"url": "http://127.0.0.1:1/a/b", "ref": "main"}}]},
    ),
    Row(
        "the package is templated by an engine that is not supported",
        Refusal("UnsupportedStep", ["cue", "jinja2"]),
        stages={"template": [{"cue": {}}]},
    ),
    Row(
        "the package's image reference cannot be read",
        Refusal("InvalidSpec", ["127.0.0.1:5000/UPPER/case:1", "lower-case"]),
        stages={"fetch": [{"imgpkgBundle": {"image": "127.0.0.1:5000/UPPER/case:1"}}]},
    ),
    Row(
        "the Secret of the package's registry does not exist",
        Refusal("SecretMissing", ["Secret $namespace/regcred", "create it", "secretRef"]),
        stages={"fetch": [{"imgpkgBundle": {"image": "127.0.0.1:5000/a/b:1", "secretRef": {"name": "regcred"}}}]},
    ),
)

VALUE_ROWS = (
    Row(
        "the values Secret does not exist",
        Refusal("ValuesMissing", ["Secret $namespace/absent", "create it", "spec.values"]),
        spec={"values": [{"secretRef": {"name": "absent"}}]},
    ),
    Row(
        "the values Secret has no such key",
        Refusal("ValuesMissing", ["Secret $namespace/values", "no key other.yml", "values.yml", "secretRef.key"]),
        spec={"values": [{"secretRef": {"name": "values", "key": "other.yml"}}]},
    ),
    Row(
        "the values are no YAML",
        Refusal(
            "ValuesInvalid",
            ["Secret $namespace/bad-values key values.yml:3", "no valid YAML"],
            condition="ValuesSchemaCheckFailed",
        ),
        values=f"pin: 1\npassword: [{SECRET}\n",
    ),
    Row(
        "the values are a list",
        Refusal(
            "ValuesInvalid",
            ["Secret $namespace/bad-values key values.yml:1", "must be a map", "a list"],
            condition="ValuesSchemaCheckFailed",
        ),
        values=f"- {SECRET}\n- {PIN}\n",
    ),
    Row(
        "the values are a single secret text",
        Refusal("ValuesInvalid", ["values.yml:1", "must be a map"], condition="ValuesSchemaCheckFailed"),
        values=SECRET,
    ),
    Row(
        "the values say a key twice",
        Refusal("ValuesInvalid", ["values.yml:2", "duplicate key 'password'"], condition="ValuesSchemaCheckFailed"),
        values=f"password: {SECRET}\npassword: {PIN}\n",
    ),
    Row(
        "the values are a bomb of aliases",
        Refusal("ValuesInvalid", ["values.yml:", "aliases"], condition="ValuesSchemaCheckFailed"),
        values=bombed_aliases(),
    ),
    Row(
        "a value has another type than the schema says",
        Refusal(
            "ValuesInvalid",
            ["values.database.password", "expected integer", "found string"],
            condition="ValuesSchemaCheckFailed",
        ),
        schema={
            "type": "object",
            "properties": {"database": {"type": "object", "properties": {"password": {"type": "integer"}}}},
        },
        values=f"database:\n  password: {SECRET}\n",
    ),
    Row(
        "a value is none of those that the schema lists",
        Refusal("ValuesInvalid", ["values.password", "one of small, large"], condition="ValuesSchemaCheckFailed"),
        schema={"type": "object", "properties": {"password": {"type": "string", "enum": ["small", "large"]}}},
    ),
    Row(
        "a value that the schema requires is missing",
        Refusal("ValuesInvalid", ["values.domain", "required"], condition="ValuesSchemaCheckFailed"),
        schema={"type": "object", "required": ["domain"], "properties": {"domain": {"type": "string"}}},
    ),
    Row(
        "a key is misspelled and the schema forbids others",
        Refusal("ValuesInvalid", ["values.pasword", "did you mean password?"], condition="ValuesSchemaCheckFailed"),
        schema={"type": "object", "properties": {"password": {"type": "string"}}, "additionalProperties": False},
        values=f"pasword: {SECRET}\n",
    ),
    Row(
        "the package's own schema is broken",
        Refusal("ValuesSchemaInvalid", ["valuesSchema", "properties.password.type"]),
        schema={"type": "object", "properties": {"password": {"type": "sting"}}},
    ),
)

TEMPLATES = (
    Row(
        "a template uses a variable that is not defined",
        Refusal("TemplateFailed", ["web.yaml:6", "'pasword' is undefined", "did you mean 'password'?", "6 > "]),
        files=template(GOOD.replace("package.version", "values.pasword")),
    ),
    Row(
        "a template has a syntax error",
        Refusal("TemplateFailed", ["web.yaml:6", "syntax error", "{% if %}"]),
        files=template(f"{GOOD.replace('{{ package.version }}', '{% if %}')}"),
    ),
    Row(
        "a template includes one that does not exist",
        Refusal("TemplateFailed", ["web.yaml:7", "no template 'absent.txt'"]),
        files=template(GOOD + "{% include 'absent.txt' %}"),
    ),
    Row(
        "a template reaches for what the sandbox forbids",
        Refusal("TemplateFailed", ["web.yaml:7", "templates may not reach"]),
        files=template(GOOD + "{{ ''.__class__.__mro__ }}"),
    ),
    Row(
        "a template adds a secret to a number",
        Refusal("TemplateFailed", ["web.yaml:6"]),
        files=template(GOOD.replace("package.version", "values.password + values.pin")),
    ),
    Row(
        "a template never ends",
        Refusal("RenderLimitExceeded", ["rendering was ended", "PACKHOUSE_RENDER_TIMEOUT_SECONDS"]),
        files=template(
            "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a %}{% endfor %}{% endfor %}" + GOOD
        ),
    ),
    Row(
        "a template gives more than may be given",
        Refusal("RenderLimitExceeded", ["output", "PACKHOUSE_RENDER_OUTPUT_MOST_BYTES"]),
        files=template(GOOD + "{% for a in range(99999) %}" + "#" * 2048 + "\n{% endfor %}"),
    ),
    Row(
        "a template multiplies a text beyond measure",
        Refusal("TemplateFailed", ["web.yaml:7", "more than 10,000,000 characters", "7 > "]),
        files=template(GOOD + "{% set a = 'x' * 10 ** 9 %}"),
    ),
    Row(
        "a template takes more memory than there may be",
        Refusal("RenderLimitExceeded", ["memory", "PACKHOUSE_RENDER_MEMORY_BYTES"]),
        files=template(
            GOOD + "{% set all = namespace(it=[]) %}"
            "{% for a in range(99) %}{% set all.it = [all.it, 'x' * 9999999] %}{% endfor %}"
        ),
    ),
)

YTT = {"template": [{"ytt": {}}]}
YTT_VALUES = """\
#@data/values-schema
---
password: ""
pin: 0
"""
YTT_GOOD = """\
#@ load("@ytt:data", "data")
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: fresh
"""


def ytt_template(text: str) -> dict[str, str]:
    """The good ConfigMap, and what spoils it, as templates of ytt."""
    return {"web.yaml": f"{YTT_GOOD}{text}", "values.yaml": YTT_VALUES}


YTT_TEMPLATES = (
    Row(
        "a template of ytt uses a name that is not defined",
        Refusal("TemplateFailed", ["undefined: pasword", "web.yaml:7 | more: #@ pasword"]),
        stages=YTT,
        files=ytt_template("more: #@ pasword\n"),
    ),
    Row(
        "a template of ytt takes a secret text for a key",
        Refusal("TemplateFailed", ["web.yaml:7"]),
        stages=YTT,
        files=ytt_template('more: #@ {"a": 1}[data.values.password]\n'),
    ),
    Row(
        "a template of ytt takes a secret text for a number",
        Refusal("TemplateFailed", ["web.yaml:7"]),
        stages=YTT,
        files=ytt_template("more: #@ int(data.values.password)\n"),
    ),
    Row(
        "a template of ytt says a secret itself",
        Refusal("TemplateFailed", ["fail: (a value)", "web.yaml:8"]),
        stages=YTT,
        files=ytt_template('#@ load("@ytt:assert", "assert")\nmore: #@ assert.fail(data.values.password)\n'),
    ),
    Row(
        "values have another type than ytt's schema says",
        Refusal("TemplateFailed", ["One or more data values were", "(a line of a Secret)", "expected: integer"]),
        stages=YTT,
        files=ytt_template(""),
        values=f"password: {PIN}\npin: {SECRET}\n",
    ),
    Row(
        "values have a key that ytt's schema does not know",
        Refusal("TemplateFailed", ["pasword", "(a line of a Secret)"]),
        stages=YTT,
        files=ytt_template(""),
        values=f"pasword: {SECRET}\n",
    ),
    Row(
        "an overlay of values adds a key that ytt's schema does not know",
        Refusal("TemplateFailed", ["pasword"]),
        stages=YTT,
        files=ytt_template(""),
        values=f"#@data/values\n---\npasword: {SECRET}\n",
    ),
    Row(
        "values that only ytt reads are no YAML",
        Refusal("TemplateFailed", ["Secret $namespace/bad-values key values.yml", "yaml: "]),
        stages=YTT,
        files=ytt_template(""),
        values=f"pin: 1\npassword: [{SECRET}\n",
    ),
    Row(
        "values that only ytt reads are a bomb of aliases",
        Refusal("TemplateFailed", ["Secret $namespace/bad-values key values.yml"]),
        stages=YTT,
        files=ytt_template(""),
        values=bombed_aliases(),
    ),
    Row(
        "a template of ytt never ends",
        Refusal("RenderLimitExceeded", ["rendering was ended", "simplify the templates"]),
        stages=YTT,
        files=ytt_template("#@ for a in range(99999):\n#@ for b in range(99999):\n#@ end\n#@ end\n"),
    ),
    Row(
        "a template of ytt doubles a text until there is no memory",
        Refusal("RenderLimitExceeded", ["rendering was ended"]),
        stages=YTT,
        files=ytt_template("#@ a = 'x' * 1000\n#@ for b in range(99):\n#@ a = a + a\n#@ end\nmore: #@ a\n"),
    ),
    Row(
        "a step asks for a Secret that the account may not read",
        Refusal("Forbidden", ["secrets", "get"]),
        stages={"template": [{"ytt": {"inline": {"pathsFrom": [{"secretRef": {"name": "values"}}]}}}]},
        files=ytt_template(""),
        rules=[rule("configmaps", [*READ, *WRITE])],
    ),
    Row(
        "a step asks for a ConfigMap that does not exist",
        Refusal("SecretMissing", ["ConfigMap $namespace/absent", "create it"]),
        stages={"template": [{"ytt": {"valuesFrom": [{"configMapRef": {"name": "absent"}}]}}]},
        files=ytt_template(""),
    ),
    Row(
        "kbld is given a list of images that is none",
        Refusal("TemplateFailed", ["images.yml:1: images must be a list, found a map"]),
        stages={"template": [{"ytt": {"paths": ["web.yaml"]}}, {"kbld": {"paths": ["-", ".imgpkg/images.yml"]}}]},
        files={**ytt_template(""), "web.yaml": "a: 1\n", ".imgpkg/images.yml": "images: {}\n"},
    ),
)

RENDERED = (
    Row(
        "what a template gives is no YAML",
        Refusal("RenderedInvalid", ["web.yaml", "YAML"]),
        files=template(GOOD + "  broken: [\n"),
    ),
    Row(
        "an object has no name",
        Refusal("RenderedInvalid", ["web.yaml:8", "metadata.name is missing"]),
        files=template(and_also("apiVersion: v1\nkind: Secret\nmetadata: {}\n")),
    ),
    Row(
        "an object has no apiVersion",
        Refusal("RenderedInvalid", ["web.yaml:8", "apiVersion is missing"]),
        files=template(and_also("kind: Secret\nmetadata:\n  name: web\n")),
    ),
    Row(
        "a document is a list",
        Refusal("RenderedInvalid", ["web.yaml:8", "a list", "a Kubernetes object"]),
        files=template(and_also("- {{ values.password }}\n")),
    ),
    Row(
        "a label is a number",
        Refusal("RenderedInvalid", ["web.yaml:8", "metadata.labels['pin']", "quote it"]),
        files=template(
            and_also("apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\n  labels:\n    pin: {{ values.pin }}\n")
        ),
    ),
    Row(
        "two documents are the same object and differ",
        Refusal("RenderedInvalid", ["web.yaml:8", "given a second time", "first by output of web.yaml:1", "rename"]),
        files=template(and_also(f"{GOOD}  more: of it\n")),
    ),
)

CLUSTER = (
    Row(
        "the service account does not exist",
        Refusal("ServiceAccountMissing", ["service account $namespace/nobody", "spec.serviceAccountName"]),
        spec={"serviceAccountName": "nobody"},
    ),
    Row(
        "the service account may do nothing",
        Refusal(
            "Forbidden",
            ["service account $namespace/helpless", "[configmaps], verbs: [create, get, patch]", "kind: Role"],
        ),
        spec={"serviceAccountName": "helpless"},
    ),
    Row(
        "the service account may make one of two objects",
        Refusal("Forbidden", ["nothing was applied", "$namespace/installer", "[secrets], verbs: [create, patch]"]),
        files=template(and_also("apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ install.name }}\n")),
        rules=[rule("configmaps", READ + WRITE), rule("secrets", READ)],
    ),
    Row(
        "the service account may not act in another namespace",
        Refusal("Forbidden", ["$namespace/installer", "namespace: kube-system", "resources: [configmaps]"]),
        spec={"defaultNamespace": "kube-system"},
    ),
    Row(
        "an object belongs to another install",
        Refusal("OwnershipConflict", ["ConfigMap $namespace/neighbour", "install $namespace/neighbour", "delete"]),
        files=template(and_also("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: neighbour\n")),
        neighbour=True,
    ),
    Row(
        "a kind is served by nobody",
        Refusal("DeployFailed", ["Widget web (example.com/v1)", "brings no CRD", "install what provides it"]),
        files=template(and_also("apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: web\n")),
    ),
    Row(
        "the API server refuses one of two objects",
        Refusal("DeployFailed", ["nothing was applied", "Service $namespace/", "spec.ports[0].port"]),
        files=template(
            and_also(
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ install.name }}\n"
                "spec:\n  ports:\n    - port: 99999\n"
            )
        ),
    ),
    Row(
        "a text of a Secret is a number",
        Refusal("DeployFailed", ["nothing was applied", "Secret $namespace/", "stringData.pin"]),
        files=template(
            and_also(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ install.name }}\n"
                "stringData:\n  pin: {{ values.pin }}\n"
            )
        ),
    ),
    Row(
        "a text of a ConfigMap is a number",
        Refusal("DeployFailed", ["nothing was applied", "ConfigMap $namespace/", ".data.pin", "expected string"]),
        files=template(GOOD + "  pin: {{ values.pin }}\n"),
    ),
    Row(
        "a Secret's type is refused",
        Refusal("DeployFailed", ["nothing was applied", "Secret $namespace/", "tls.key"]),
        files=template(
            and_also(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ install.name }}\ntype: kubernetes.io/tls\n"
                "stringData:\n  password: {{ values.password }}\n"
            )
        ),
    ),
    Row(
        "a Secret's key is refused",
        Refusal("DeployFailed", ["nothing was applied", "Secret $namespace/", "data"]),
        files=template(
            and_also(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ install.name }}\n"
                "stringData:\n  no key: {{ values.password }}\n"
            )
        ),
    ),
    Row(
        "a Secret holds what is no base64",
        Refusal("DeployFailed", ["nothing was applied", "Secret $namespace/"]),
        files=template(
            and_also(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ install.name }}\n"
                "data:\n  password: {{ values.password }}\n"
            )
        ),
    ),
    Row(
        "the objects' namespace does not exist",
        Refusal("DeployFailed", ["ConfigMap absent/", "not found", "create that first"]),
        spec={"defaultNamespace": "absent"},
        everywhere=True,
    ),
)

ROWS = (*CATALOGUE, *STAGES, *VALUE_ROWS, *TEMPLATES, *YTT_TEMPLATES, *RENDERED, *CLUSTER)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is played: a namespace with accounts and values, and the word in the package's name."""

    lab: Lab
    namespace: str
    word: str

    @property
    def public_name(self) -> str:
        return f"{self.word}.example.com"

    def install(self, name: str, wish: Mapping[str, Any] | None = None, **spec: Any) -> Json:
        """It wants the good version 1.0.0, if nothing else is said; what it made goes with the namespace."""
        wanted = install(name, self.namespace, self.public_name, values=["values"], noopDelete=True)
        wanted["spec"]["packageRef"] |= wish or {"version": "1.0.0"}
        wanted["spec"] |= spec
        return wanted

    def package(self, version: str, files: Mapping[str, str], **app: Any) -> Json:
        return package(self.public_name, version, **{"fetch": inline(files), **app})

    def runs(self, name: str) -> Json:
        return self.lab.settled("ipkg", name, self.namespace)

    def nudge(self) -> None:
        """Have the install looked at again."""
        self.lab.patch("ipkg", "web", {"metadata": {"annotations": {"look": "again"}}}, self.namespace)

    def prepare(self, row: Row | None = None) -> None:
        """The good version 1.0.0, the accounts and the values; the row's rights and values in their place."""
        everything = {"roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}}
        installer = {"kind": "ServiceAccount", "name": "installer", "namespace": self.namespace}
        binding = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": self.word}}
        self.lab.apply(
            *account(self.namespace, rules=row.rules if row is not None else None),
            *account(self.namespace, "helpless", rules=[]),
            *([{**binding, **everything, "subjects": [installer]}] if row is not None and row.everywhere else []),
            secret(self.namespace, "values", values_yml=VALUES),
            secret(self.namespace, "bad-values", values_yml=row.values if row is not None else VALUES),
            self.package("1.0.0", {"web.yaml": GOOD}),
        )


@pytest.fixture
def place(lab: Lab, namespace: str, unique: str) -> Iterator[Place]:
    yield Place(lab, namespace, unique)
    lab.cluster.kubectl("delete", "ipkg", "--all", "-n", namespace, "--wait=false")
    lab.cluster.kubectl("delete", "clusterrolebinding", unique, "--ignore-not-found")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_an_install_is_refused_and_nothing_changes_when(row: Row, place: Place, operator: OperatorProcess) -> None:
    lab, namespace = place.lab, place.namespace
    place.prepare(row)
    running = [place.install("running"), *([place.install("neighbour")] if row.neighbour else [])]
    lab.apply(*running)
    before, *_ = [place.runs(obj["metadata"]["name"]) for obj in running]
    kept, position = footprint(lab, "running", namespace), audit_position(lab)
    assert len(kept) == 1

    spec = {"values": [{"secretRef": {"name": "bad-values"}}], **row.spec}
    lab.apply(
        place.package("2.0.0", row.files, **row.stages, valuesSchema=row.schema),
        *(place.install(name, row.wish, **spec) for name in ("fresh", "running")),
    )
    fresh, after = (
        refused(lab, row.refusal, "ipkg", name, namespace, word=place.word) for name in ("fresh", "running")
    )

    assert footprint(lab, "running", namespace) == kept
    assert footprint(lab, "fresh", namespace) == {}
    assert written_since(lab, position, namespace) == []
    assert [entry["uid"] for entry in after["status"]["inventory"]] == [uid for uid, _ in kept.values()]
    assert after["status"]["inventory"] == before["status"]["inventory"]
    assert after["status"]["version"] == "1.0.0"
    assert fresh["status"].get("inventory", []) == []
    no_secret_is_shown(lab, operator, fresh, after, namespace=namespace)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes bad around an install that runs version 1.0.0 and follows whatever comes."""

    sentence: str
    refusal: Refusal
    happens: Callable[[Place], None]


CHANGES = (
    Change(
        "its package is deleted",
        Refusal("PackageNotFound", ["$word.example.com", "PackageRepository"]),
        lambda place: place.lab.delete("packages.package.carvel.dev", f"{place.public_name}.1.0.0"),
    ),
    Change(
        "only a lower version is left",
        Refusal("DowngradeRefused", ["0.9.0", "lower than 1.0.0", "packaging.carvel.dev/downgradable"]),
        lambda place: (
            place.lab.apply(place.package("0.9.0", {"web.yaml": GOOD})),
            place.lab.delete("packages.package.carvel.dev", f"{place.public_name}.1.0.0"),
        ),
    ),
    Change(
        "its values Secret is deleted",
        Refusal("ValuesMissing", ["Secret $namespace/values", "create it"]),
        lambda place: place.lab.delete("secret", "values", place.namespace),
    ),
    Change(
        "its values are spoiled",
        Refusal("ValuesInvalid", ["Secret $namespace/values key values.yml:1", "a map"], "ValuesSchemaCheckFailed"),
        lambda place: place.lab.apply(secret(place.namespace, "values", values_yml=f"- {SECRET}\n")),
    ),
    Change(
        "its rights are withdrawn",
        Refusal("Forbidden", ["configmaps", "$namespace:installer"]),
        lambda place: (place.lab.delete("rolebinding", "installer", place.namespace), place.nudge()),
    ),
    Change(
        "a new version comes that cannot be rendered",
        Refusal("TemplateFailed", ["web.yaml:6", "'nothing' is undefined"]),
        lambda place: place.lab.apply(
            place.package("1.1.0", {"web.yaml": GOOD.replace("package.version", "values.nothing")})
        ),
    ),
    Change(
        "a new version comes whose engine is not supported",
        Refusal("UnsupportedStep", ["cue"]),
        lambda place: place.lab.apply(place.package("1.1.0", {"web.yaml": GOOD}, template=[{"cue": {}}])),
    ),
    Change(
        "a new version comes that the API server refuses",
        Refusal("DeployFailed", ["nothing was applied", "ConfigMap $namespace/Not_A_Name"]),
        lambda place: place.lab.apply(
            place.package("1.1.0", {"web.yaml": GOOD + "---\n" + GOOD.replace("{{ install.name }}", "Not_A_Name")})
        ),
    ),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.sentence)
def test_what_runs_keeps_running_when(change: Change, place: Place, operator: OperatorProcess) -> None:
    lab, namespace = place.lab, place.namespace
    place.prepare()
    lab.apply(place.install("web", {"versionSelection": {"constraint": "*"}}))
    before = place.runs("web")
    kept, position = footprint(lab, "web", namespace), audit_position(lab)
    assert len(kept) == 1

    change.happens(place)
    after = refused(lab, change.refusal, "ipkg", "web", namespace, word=place.word)

    assert footprint(lab, "web", namespace) == kept
    assert written_since(lab, position, namespace) == []
    assert after["status"]["inventory"] == before["status"]["inventory"]
    assert after["status"]["version"] == "1.0.0"
    no_secret_is_shown(lab, operator, after, namespace=namespace)
