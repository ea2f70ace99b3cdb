"""What must hold of an object that was given bad input: it says so, it names the lever, and nothing else has changed.

Used by tests/e2e/test_bad_input_*.py. Each row of their tables puts SECRET and PIN into values or credentials; neither
may ever be read in a status, in an Event or in the operator's log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from cluster.audit import Call, writes
from lab import OPERATOR_USER, Json, Lab, OperatorProcess, find_condition
from packhouse.api.names import OWNER_LABEL, REPOSITORY_LABEL
from packhouse.domain.objects import owner_label

SECRET = "never-to-be-shown"
PIN = "4711081547"
#: What installs of these tests could make; where there is an audit log, that speaks for all other kinds.
KINDS = "configmaps,secrets,services,namespaces"
CATALOGUE_KINDS = "packages.package.carvel.dev,packagemetadatas.package.carvel.dev"
OWN_RECORDS = frozenset({"installedpackages", "installedpackages/status", "events"})

#: (kind, namespace, name) -> (uid, resourceVersion)
Footprint = dict[tuple[str, str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """`says`: what the message must hold, with $namespace and $word for the names that a test makes up."""

    reason: str
    says: Sequence[str]
    condition: str = "ReconcileFailed"


def refused(
    lab: Lab, refusal: Refusal, kind: str, name: str, namespace: str = "", *, seconds: float = 20.0, **words: str
) -> Json:
    """The object, once it is refused for that reason; its conditions and its message are as they must be."""
    obj = lab.settled(kind, name, namespace, condition=refusal.condition, reason=refusal.reason, seconds=seconds)
    failed, ready, succeeded = (
        find_condition(obj, kind) for kind in ("ReconcileFailed", "Ready", "ReconcileSucceeded")
    )
    assert failed is not None and ready is not None and succeeded is not None
    assert (failed["status"], failed["reason"]) == ("True", refusal.reason)
    assert (ready["status"], ready["reason"]) == ("False", refusal.reason)
    assert succeeded["status"] == "False"
    expected = [Template(part).substitute(namespace=namespace, **words) for part in refusal.says]
    assert [part for part in expected if part not in failed["message"]] == [], failed["message"]
    assert obj["status"]["usefulErrorMessage"] == failed["message"]
    return obj


def footprint(lab: Lab, install: str, namespace: str) -> Footprint:
    """All objects that carry the install's owner label."""
    return _labelled(lab, KINDS, f"{OWNER_LABEL}={owner_label(f'{namespace}/{install}')}")


def offered(lab: Lab, repository: str) -> Footprint:
    """All Packages and PackageMetadatas that carry the repository's label."""
    return _labelled(lab, CATALOGUE_KINDS, f"{REPOSITORY_LABEL}={repository}")


def written_since(lab: Lab, position: int, namespace: str) -> list[Call]:
    """What the accounts of `namespace` wrote anywhere, and the operator there besides its own records."""
    audit = lab.cluster.audit
    if audit is None:  # a cluster that was given: the footprint has to do
        return []
    return [
        call
        for call in writes(audit.since(position))
        if call.code < 400
        and (
            call.user.startswith(f"system:serviceaccount:{namespace}:")
            or (call.user == OPERATOR_USER and call.namespace == namespace and call.resource not in OWN_RECORDS)
        )
    ]


def audit_position(lab: Lab) -> int:
    return lab.cluster.audit.position() if lab.cluster.audit is not None else 0


def no_secret_is_shown(lab: Lab, operator: OperatorProcess, *objects: Json, namespace: str) -> None:
    """In the objects' statuses, in the Events of the namespace, in the operator's whole log."""
    shown = {
        "status": json.dumps([obj["status"] for obj in objects]),
        "events": json.dumps([event.get("message") for event in lab.list("events", namespace)]),
        "log": operator.log.read_text(),
    }
    assert [(place, word) for place, text in shown.items() for word in (SECRET, PIN) if word in text] == []


def _labelled(lab: Lab, kinds: str, selector: str) -> Footprint:
    found = lab.cluster.kubectl("get", kinds, "--all-namespaces", "-l", selector, "-o", "json").stdout
    return {
        (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): (
            item["metadata"]["uid"],
            item["metadata"]["resourceVersion"],
        )
        for item in json.loads(found)["items"]
    }
