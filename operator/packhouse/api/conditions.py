"""Condition types and reasons, each with its sentence, and how conditions are merged.

`set_condition` is pure: it is handed the time. Conditions are merged by type, never wiped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class ConditionType(StrEnum):
    """What a condition speaks of."""

    READY = "Ready"
    SOURCE_AVAILABLE = "SourceAvailable"
    RECONCILING = "Reconciling"
    RECONCILE_SUCCEEDED = "ReconcileSucceeded"
    RECONCILE_FAILED = "ReconcileFailed"
    VALUES_SCHEMA_CHECK_FAILED = "ValuesSchemaCheckFailed"
    DELETING = "Deleting"
    DELETE_FAILED = "DeleteFailed"


class Status(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why a condition stands as it does. docs/spec/conditions.md lists the same words for users."""

    # what goes well
    RECONCILE_SUCCEEDED = "ReconcileSucceeded"  #: everything that was asked for is in place
    AVAILABLE = "Available"  #: the source answered
    PROGRESSING = "Progressing"  #: a reconcile with something to do is under way
    PAUSED = "Paused"  #: spec.paused holds the object still
    CANCELED = "Canceled"  #: spec.canceled holds the object still
    DELETING = "Deleting"  #: the object is being deleted, and what it made with it

    # what only a change of spec, values or packages mends
    INVALID_SPEC = "InvalidSpec"  #: the object says something that cannot be carried out
    UNSUPPORTED_STEP = "UnsupportedStep"  #: a fetch, template or deploy step that this operator does not have
    PACKAGE_NOT_FOUND = "PackageNotFound"  #: no Package of that name (or the installed one is gone)
    NO_MATCHING_VERSION = "NoMatchingVersion"  #: Packages exist, the constraint takes none of them
    INVALID_CONSTRAINT = "InvalidConstraint"  #: a version or a constraint that cannot be read
    DOWNGRADE_REFUSED = "DowngradeRefused"  #: only a lower version than the last attempted one matches
    HOST_REFUSED = "HostRefused"  #: a host that nothing may be fetched from
    VALUES_MISSING = "ValuesMissing"  #: a values Secret, or a key of it, does not exist
    VALUES_INVALID = "ValuesInvalid"  #: the values are no YAML map, or break the package's schema
    VALUES_SCHEMA_INVALID = "ValuesSchemaInvalid"  #: the package's own schema cannot be read
    BUNDLE_INVALID = "BundleInvalid"  #: documents of a repository bundle are bad, or it holds none
    OWNERSHIP_CONFLICT = "OwnershipConflict"  #: an object belongs to another install or repository
    ADOPTION_REFUSED = (
        "AdoptionRefused"  #: an object exists, belongs to nobody, and spec.adopt does not allow to take it
    )
    IMMUTABLE_FIELD = "ImmutableField"  #: a field that cannot change in place changed, and nothing allows a replacement
    INVENTORY_TOO_LARGE = "InventoryTooLarge"  #: more objects than a status can record
    RENDERED_INVALID = "RenderedInvalid"  #: the templates gave something that is no Kubernetes object
    TEMPLATE_FAILED = "TemplateFailed"  #: a template cannot be rendered
    RENDER_LIMIT_EXCEEDED = "RenderLimitExceeded"  #: rendering took too long, too much memory or gave too much

    # what something else must do first
    SERVICE_ACCOUNT_MISSING = "ServiceAccountMissing"  #: the install's service account does not exist
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason, no password: what a package names is absent
    NOT_HEALTHY = "NotHealthy"  #: applied objects are not ready yet
    SUPERSEDED = "Superseded"  #: the spec changed while it was being carried out; the new one is taken up at once
    NAMESPACE_TERMINATING = "NamespaceTerminating"  #: the namespace is being deleted and takes nothing new
    DELETION_PENDING = "DeletionPending"  #: deleted objects are not gone yet

    # what may pass
    FETCH_FAILED = "FetchFailed"  #: the source could not be read
    NAME_UNRESOLVED = "NameUnresolved"  #: the name of the source's host is not known to DNS
    SOURCE_UNREACHABLE = "SourceUnreachable"  #: the source's host did not take the connection, or stopped answering
    TLS_FAILED = "TlsFailed"  #: the source's certificate or TLS was not accepted
    SOURCE_NOT_FOUND = "SourceNotFound"  #: the source answers, and what is named is not there
    RATE_LIMITED = "RateLimited"  #: the source wants fewer requests
    SIGNATURE_INVALID = "SignatureInvalid"  #: content lacks the signature or attestation that is asked for
    FETCH_LIMIT_EXCEEDED = "FetchLimitExceeded"  #: the source is larger than the limits allow, or unsafe to unpack
    DIGEST_MISMATCH = "DigestMismatch"  #: content does not have the digest it was asked for by
    AUTHENTICATION_FAILED = "AuthenticationFailed"  #: the registry refused the credentials
    RENDERER_UNAVAILABLE = "RendererUnavailable"  #: the renderer process cannot be reached
    FORBIDDEN = "Forbidden"  #: RBAC refused a verb on a resource
    DEPLOY_FAILED = "DeployFailed"  #: the API server refused an object
    API_SERVER_ERROR = "ApiServerError"  #: the API server failed at a request (500), or a webhook behind it did
    FIELD_CONFLICT = "FieldConflict"  #: another field manager holds a field
    ROLLOUT_FAILED = "RolloutFailed"  #: an applied object says that it cannot become ready
    WAIT_TIMED_OUT = "WaitTimedOut"  #: applied objects did not become ready in time
    CONTESTED = "Contested"  #: another writer changes the same fields back again and again
    PRUNE_FAILED = "PruneFailed"  #: an object that should go could not be deleted
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"  #: the API server did not answer

    INTERNAL_ERROR = "InternalError"  #: a bug of ours; the log has the traceback


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it stands in status."""

    type: ConditionType
    status: Status
    reason: str
    message: str = ""
    last_transition_time: str = ""  # RFC 3339, UTC, whole seconds
    observed_generation: int = 0

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Condition:
        return cls(
            type=ConditionType(wire["type"]),
            status=Status(wire["status"]),
            reason=wire.get("reason", ""),
            message=wire.get("message", ""),
            last_transition_time=wire.get("lastTransitionTime", ""),
            observed_generation=wire.get("observedGeneration", 0),
        )

    def to_wire(self) -> dict[str, Any]:
        return {
            "type": self.type.value,
            "status": self.status.value,
            "reason": str(self.reason),
            "message": self.message,
            "lastTransitionTime": self.last_transition_time,
            "observedGeneration": self.observed_generation,
        }


def read_conditions(wire: object) -> tuple[Condition, ...]:
    """The conditions of a status; those whose type or status we do not know belong to others and are left out."""
    known = set(ConditionType)
    entries = wire if isinstance(wire, list) else []
    return tuple(
        Condition.from_wire(entry)
        for entry in entries
        if entry.get("type") in known and entry.get("status") in set(Status)
    )


def find(conditions: Sequence[Condition], kind: ConditionType) -> Condition | None:
    return next((condition for condition in conditions if condition.type is kind), None)


def set_condition(existing: Sequence[Condition], new: Condition, *, now: str) -> tuple[Condition, ...]:
    """`existing` with `new` in the place of its type; the transition time moves only with the status."""
    before = find(existing, new.type)
    since = before.last_transition_time if before is not None and before.status is new.status else now
    stamped = replace(new, last_transition_time=since)
    if before is None:
        return (*existing, stamped)
    return tuple(stamped if condition.type is new.type else condition for condition in existing)
