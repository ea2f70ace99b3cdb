"""Which requests the API server got, from its audit log: who, which verb, what, which answer.

Only a control plane that we started ourselves writes one; on a cluster that was given there is none to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Verbs that change something. Tokens, reviews and leases are left out by `writes`.
WRITE_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NO_WRITES = frozenset(
    {
        "serviceaccounts/token",
        "tokenreviews",
        "subjectaccessreviews",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "selfsubjectreviews",
        "leases",
    }
)


@dataclass(frozen=True, slots=True)
class Call:
    """One finished request. `resource` is "pods" or "pods/status"; `dry_run` writes nothing."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    dry_run: bool
    user_agent: str


class AuditLog:
    """Reads the log from a position on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def position(self) -> int:
        """Where the last whole line ends now, to be given to `since`."""
        return self.path.read_bytes().rfind(b"\n") + 1

    def since(self, position: int) -> Sequence[Call]:
        """All calls that were finished after `position`, in their order."""
        with self.path.open("rb") as log:
            log.seek(position)
            return list(_calls(log))


def writes(calls: Iterable[Call]) -> list[Call]:
    """Those that change the cluster."""
    return [call for call in calls if call.verb in WRITE_VERBS and not call.dry_run and call.resource not in NO_WRITES]


def _calls(lines: Iterable[bytes]) -> Iterator[Call]:
    for line in lines:
        if not line.endswith(b"\n"):  # still being written
            return
        entry = json.loads(line)
        subject = entry.get("objectRef") or {}
        parts = (subject.get("resource", ""), subject.get("subresource", ""))
        yield Call(
            user=entry["user"]["username"],
            verb=entry["verb"],
            resource="/".join(part for part in parts if part),
            namespace=subject.get("namespace", ""),
            name=subject.get("name", ""),
            code=(entry.get("responseStatus") or {}).get("code", 0),
            dry_run="dryRun=" in entry["requestURI"],
            user_agent=entry.get("userAgent", ""),
        )
