"""Errors, by what happens next: Stalled waits for a watch, Waiting retries at a fixed delay, Failed backs off.

Raised where a thing is known, turned into conditions by reconcile/outcome.py alone. An error's class gives
its reason; its message says what happened, to which object, where, and the lever that helps, in that order,
and never carries a secret. Whatever is not a PackhouseError is a bug of ours (reason InternalError).
"""

from __future__ import annotations

from typing import ClassVar, Final

from packhouse.api.conditions import Reason


class PackhouseError(Exception):
    """Base of everything we raise on purpose."""

    reason: ClassVar[Reason]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Stalled(PackhouseError):
    """Only a change of spec, values or packages helps; a watch wakes the object, no timer does."""


class Waiting(PackhouseError):
    """Something else must happen first; look again after `retry_after_seconds`."""

    retry_after_seconds: ClassVar[float] = 10.0


class Failed(PackhouseError):
    """May pass by itself: back-off with jitter, capped by syncPeriod.

    `retry_after_seconds`, where the other side named one (Retry-After), is the least time to wait.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class InvalidSpec(Stalled):
    reason = Reason.INVALID_SPEC


class UnsupportedStep(Stalled):
    reason = Reason.UNSUPPORTED_STEP


class PackageNotFound(Stalled):
    reason = Reason.PACKAGE_NOT_FOUND


class NoMatchingVersion(Stalled):
    reason = Reason.NO_MATCHING_VERSION


class InvalidConstraint(Stalled):
    reason = Reason.INVALID_CONSTRAINT


class DowngradeRefused(Stalled):
    reason = Reason.DOWNGRADE_REFUSED


class HostRefused(Stalled):
    reason = Reason.HOST_REFUSED


class ValuesMissing(Stalled):
    reason = Reason.VALUES_MISSING


class ValuesInvalid(Stalled):
    reason = Reason.VALUES_INVALID


class ValuesSchemaInvalid(Stalled):
    reason = Reason.VALUES_SCHEMA_INVALID


class BundleInvalid(Stalled):
    reason = Reason.BUNDLE_INVALID


class OwnershipConflict(Stalled):
    reason = Reason.OWNERSHIP_CONFLICT


class AdoptionRefused(Stalled):
    reason = Reason.ADOPTION_REFUSED


class ImmutableField(Stalled):
    reason = Reason.IMMUTABLE_FIELD


class InventoryTooLarge(Stalled):
    reason = Reason.INVENTORY_TOO_LARGE


class RenderedInvalid(Stalled):
    reason = Reason.RENDERED_INVALID


class TemplateFailed(Stalled):
    reason = Reason.TEMPLATE_FAILED


class RenderLimitExceeded(Stalled):
    reason = Reason.RENDER_LIMIT_EXCEEDED


class ServiceAccountMissing(Waiting):
    reason = Reason.SERVICE_ACCOUNT_MISSING


class SecretMissing(Waiting):
    reason = Reason.SECRET_MISSING


class NotHealthy(Waiting):
    reason = Reason.NOT_HEALTHY


class Superseded(Waiting):
    """Ends what is under way; the change that superseded it has added the key again already."""

    reason = Reason.SUPERSEDED
    retry_after_seconds = 1.0


class NamespaceTerminating(Waiting):
    reason = Reason.NAMESPACE_TERMINATING


class DeletionPending(Waiting):
    reason = Reason.DELETION_PENDING
    retry_after_seconds = 2.0


class FetchFailed(Failed):
    reason = Reason.FETCH_FAILED


class NameUnresolved(Failed):
    reason = Reason.NAME_UNRESOLVED


class SourceUnreachable(Failed):
    reason = Reason.SOURCE_UNREACHABLE


class TlsFailed(Failed):
    reason = Reason.TLS_FAILED


class SourceNotFound(Failed):
    reason = Reason.SOURCE_NOT_FOUND


class RateLimited(Failed):
    reason = Reason.RATE_LIMITED


class SignatureInvalid(Failed):
    reason = Reason.SIGNATURE_INVALID


class FetchLimitExceeded(Failed):
    reason = Reason.FETCH_LIMIT_EXCEEDED


class DigestMismatch(Failed):
    reason = Reason.DIGEST_MISMATCH


class AuthenticationFailed(Failed):
    reason = Reason.AUTHENTICATION_FAILED


class RendererUnavailable(Failed):
    reason = Reason.RENDERER_UNAVAILABLE


class Forbidden(Failed):
    reason = Reason.FORBIDDEN


class DeployFailed(Failed):
    """`invalid`: the API server read the object and refused its content (422), such as a change of a fixed field."""

    reason = Reason.DEPLOY_FAILED

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, invalid: bool = False) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.invalid = invalid


class ApiServerError(Failed):
    """`internal`: something behind the API server failed, such as a webhook; else it choked on the object itself."""

    reason = Reason.API_SERVER_ERROR

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, internal: bool = False) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.internal = internal


class FieldConflict(Failed):
    reason = Reason.FIELD_CONFLICT


class RolloutFailed(Failed):
    reason = Reason.ROLLOUT_FAILED


class WaitTimedOut(Failed):
    reason = Reason.WAIT_TIMED_OUT


class Contested(Failed):
    reason = Reason.CONTESTED


class PruneFailed(Failed):
    reason = Reason.PRUNE_FAILED


class ClusterUnavailable(Failed):
    reason = Reason.CLUSTER_UNAVAILABLE


#: What a source does: while nothing new is needed of it, an install goes on without.
SOURCE_ERRORS: Final = (
    FetchFailed,
    NameUnresolved,
    SourceUnreachable,
    TlsFailed,
    SourceNotFound,
    RateLimited,
    AuthenticationFailed,
)


def _leaves(base: type[PackhouseError]) -> list[type[PackhouseError]]:
    return [leaf for child in base.__subclasses__() for leaf in (_leaves(child) or [child])]


#: Errors by their reason: how an error that crossed a process boundary becomes itself again.
BY_REASON: Final[dict[str, type[PackhouseError]]] = {leaf.reason.value: leaf for leaf in _leaves(PackhouseError)}
