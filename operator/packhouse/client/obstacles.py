"""What stands in the way of making an object, in words with a lever."""

from __future__ import annotations

from packhouse.api.names import MADE_FOR
from packhouse.client.errors import NotFound, Trouble
from packhouse.domain.objects import ref_of
from packhouse.ports import Json, Ref


def taken(there: Json) -> Trouble:
    """The name of what was to be made is that of something else. `there`: its metadata at least."""
    ref = ref_of(there)
    namespace, _, name = str((there["metadata"].get("annotations") or {}).get(MADE_FOR, "")).partition("/")
    if not name:
        return Trouble(f"{ref} exists already, and was not made for this", "delete it, or choose another name")
    return Trouble(
        f"{ref} exists already: it was made for the install {namespace}/{name}",
        f"if that install is gone, `kubectl package installed delete {name} -n {namespace}` removes what is left of it",
    )


def being_deleted(ref: Ref) -> Trouble:
    return Trouble(
        f"{ref.namespace}/{ref.name} is being deleted",
        f"wait until it is gone: kubectl package installed delete {ref.name} -n {ref.namespace}",
    )


def not_served(ref: Ref) -> Trouble:
    return NotFound(f"this cluster does not know the kind {ref.kind}", "install Packhouse in it first")


def no_namespace(namespace: str) -> Trouble:
    return NotFound(
        f"namespace {namespace} does not exist", "have it made with --create-namespace, or name another one with -n"
    )
