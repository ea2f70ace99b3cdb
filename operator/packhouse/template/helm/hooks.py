"""What becomes of Helm's hooks: objects that Helm would create at a certain moment and no later.

Pure. Called by engine.py. Nothing here is done silently: whatever is not as in Helm gives a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from packhouse.template.documents import Document

_HOOK: Final = "helm.sh/hook"
#: Moments of an installation or an upgrade. Helm itself takes no notice of crd-install any more.
_INSTALLING: Final = frozenset({"pre-install", "post-install", "pre-upgrade", "post-upgrade", "crd-install"})
_NAMED_MOST: Final = 10


def sort_out(documents: Sequence[Document], warnings: list[str]) -> list[Document]:
    """The documents that are applied. Hooks of an installation are, as objects like any other; others are left out."""
    kept: list[Document] = []
    applied: list[str] = []
    left_out: list[str] = []
    for document in documents:
        events = _events(document.value)
        if events is None or not events.isdisjoint(_INSTALLING):
            kept.append(document)
        if events is not None:
            (left_out if events.isdisjoint(_INSTALLING) else applied).append(_named(document.value, events))
    if applied:
        warnings.append(
            f"helm hooks are applied as ordinary objects, with no order and no deletion of their own: {_list(applied)}"
        )
    if left_out:
        warnings.append(f"helm hooks that are not for an installation or an upgrade are left out: {_list(left_out)}")
    return kept


def _events(value: Any) -> frozenset[str] | None:
    """None for what is no hook."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hook = annotations.get(_HOOK) if isinstance(annotations, dict) else None
    if not isinstance(hook, str):
        return None
    return frozenset(event.strip().lower() for event in hook.split(","))


def _named(value: dict[str, Any], events: frozenset[str]) -> str:
    return f"{value.get('kind')} {value['metadata'].get('name')} ({', '.join(sorted(events))})"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED_MOST} more" if len(names) > _NAMED_MOST else ""
    return "; ".join(names[:_NAMED_MOST]) + more
