"""What to do about an install that is not ready: the commands for its reason. Its message has its own lever. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from packhouse.api.conditions import ConditionType, Reason, Status, find
from packhouse.api.errors import BY_REASON, SOURCE_ERRORS, Stalled
from packhouse.api.views import InstalledPackage
from packhouse.domain.install_state import is_ready, is_seen

_WORD: Final = "kubectl package"
_VALUES: Final = (
    "its values as a file: {word} installed get {name} --values-file-output values.yaml",
    "with a file that is mended: {word} installed update {name} --values-file values.yaml",
)
_VERSIONS: Final = (
    "the versions that there are: {word} available get {package}",
    "another version: {word} installed update {name} --version",
)
_OBJECTS: Final = ("its objects: {word} installed tree {name}",)
_CHANGES: Final = ("what a reconcile would change: {word} installed diff {name}",)
_KICK: Final = "to have it tried now: {word} installed kick {name}"
_BY_REASON: Final[Mapping[str, Sequence[str]]] = {
    Reason.VALUES_INVALID: ("the values that it takes: {word} available get {package} --values-schema", *_VALUES),
    Reason.VALUES_MISSING: ("other values: {word} installed update {name} --values-file values.yaml",),
    Reason.TEMPLATE_FAILED: (*_VALUES, *_VERSIONS),
    Reason.RENDERED_INVALID: (*_VALUES, *_VERSIONS),
    Reason.RENDER_LIMIT_EXCEEDED: (*_VALUES, *_VERSIONS),
    Reason.UNSUPPORTED_STEP: _VERSIONS,
    Reason.VALUES_SCHEMA_INVALID: _VERSIONS,
    Reason.PACKAGE_NOT_FOUND: ("the packages that there are: {word} available list", *_VERSIONS),
    Reason.NO_MATCHING_VERSION: _VERSIONS,
    Reason.INVALID_CONSTRAINT: _VERSIONS,
    Reason.DOWNGRADE_REFUSED: _VERSIONS,
    Reason.NOT_HEALTHY: _OBJECTS,
    Reason.ROLLOUT_FAILED: _OBJECTS,
    Reason.WAIT_TIMED_OUT: _OBJECTS,
    Reason.DEPLOY_FAILED: _CHANGES,
    Reason.ADOPTION_REFUSED: _CHANGES,
    Reason.IMMUTABLE_FIELD: _CHANGES,
    Reason.FIELD_CONFLICT: _CHANGES,
    Reason.CONTESTED: _CHANGES,
}


def steps(install: InstalledPackage, operator_namespace: str) -> list[str]:
    """In the order in which to try them; none where it is ready."""
    place = {"word": _WORD, "name": f"{install.meta.name} -n {install.meta.namespace}", "package": install.public_name}
    return [step.format(**place) for step in _steps(install, operator_namespace)]


def _steps(install: InstalledPackage, operator_namespace: str) -> Sequence[str]:
    if install.paused and not install.meta.deleting:
        return ["to take it up again: {word} installed resume {name}"]
    if install.canceled and not install.meta.deleting:
        return ["take spec.canceled away: kubectl edit installedpackage {name}"]
    if is_ready(install):
        return []
    if not is_seen(install):
        return [f"if that lasts, see whether the operator runs: kubectl get pods -n {operator_namespace}"]
    ready, failed = (find(install.conditions, kind) for kind in (ConditionType.READY, ConditionType.RECONCILE_FAILED))
    reason = ready.reason if ready is not None else ""
    found = list(_BY_REASON.get(reason, ()))
    error = BY_REASON.get(reason)
    if error is not None and issubclass(error, SOURCE_ERRORS) and install.recorded_repository:
        found.append(f"the repository of its package: {{word}} repository get {install.recorded_repository}")
    if failed is not None and failed.status is Status.TRUE and error is not None and not issubclass(error, Stalled):
        found.append(_KICK)
    return found
