"""Finds the images of a package and locks them: which references its objects hold, and by which digests they stand.

What the kbld step would look at is asked of that step itself: for this one rendering its lock is a Config that has it
note all references. The lock is written as kbld writes it, sorted, so that the same images give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import yaml

from packhouse.api.errors import SOURCE_ERRORS, FetchFailed, InvalidSpec, TemplateFailed
from packhouse.domain import yaml_text
from packhouse.domain.images_lock import IMAGE_ID, LOCK_FILE, locked_images
from packhouse.domain.references import ImageReference, read_reference
from packhouse.ports import ImageAsk, Json
from packhouse.template.kbld.engine import ANNOTATION
from packhouse.template.kbld.references import rewrite
from packhouse.template.kbld.rules import IMAGE_KEY, Rules

#: In the place of the lock while references are looked for.
NOTING: Final[Mapping[str, bytes]] = {
    LOCK_FILE: b"apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\nimagesAnnotation: true\n"
}
_ORIGINS: Final = "kbld.carvel.dev/origins"
_PARALLEL: Final = 4
_LOCK: Final = {"apiVersion": "imgpkg.carvel.dev/v1alpha1", "kind": "ImagesLock"}

#: Gives the digest that a reference stands for now.
DigestOf = Callable[[ImageReference], str]


@dataclass(frozen=True, slots=True)
class Locked:
    """An entry of a lock. `name`: the reference as templates have it, "" for an image that none of them means."""

    name: str
    image: str
    notes: Mapping[str, str]

    @property
    def digest(self) -> str:
        return self.image.rpartition("@")[2]


def noted(objects: Sequence[Json]) -> tuple[list[Json], dict[str, str]]:
    """The objects without what the rendering with NOTING added, and each reference with the words for the first object
    that holds it."""
    plain: list[Json] = []
    found: dict[str, str] = {}
    for obj in objects:
        bare, references = _noted(obj)
        plain.append(bare)
        for reference in references:
            found.setdefault(reference, words(obj))
    return plain, found


def words(obj: Json) -> str:
    metadata = obj.get("metadata") or {}
    where = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{obj.get('kind')} {where}{metadata.get('name', metadata.get('generateName', ''))}"


def _noted(obj: Json) -> tuple[Json, list[str]]:
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if ANNOTATION not in annotations:  # no kbld step saw it
        seen: dict[str, str] = {}
        rewrite(obj, Rules.of([IMAGE_KEY]), lambda reference: seen.setdefault(reference, reference))
        return obj, [reference for reference in seen if reference]
    listed = yaml_text.load_all(annotations[ANNOTATION], ANNOTATION, TemplateFailed)[0][1]
    rest = {key: value for key, value in annotations.items() if key != ANNOTATION}
    bare = {key: value for key, value in metadata.items() if key != "annotations"}
    plain = {**obj, "metadata": {**bare, "annotations": rest} if rest else bare}
    return plain, [entry["url"] for entry in listed if entry["url"]]


def chosen_later(asked: Iterable[ImageAsk]) -> set[str]:
    """Of what a rendering would ask registries: the repositories whose tag a range chooses at each install."""
    return {ask.image for ask in asked if ask.selection}


def lock(
    references: Mapping[str, str], before: Sequence[Locked], digest_of: DigestOf, *, anew: bool
) -> Sequence[Locked]:
    """The lock of these references (and the words for who holds them). `anew`: tags are looked up again; else what is
    locked stays locked. What no template means stays in any case: its author put it there.

    Raises InvalidSpec for a text that is no reference, and what `digest_of` raises.
    """
    known = {} if anew else {one.name: one for one in before}

    def locked(name: str) -> Locked:
        return known.get(name) or _locked(name, references[name], digest_of)

    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="lock") as pool:
        made = list(pool.map(locked, sorted(references)))
    return sorted([*made, *(one for one in before if not one.name)], key=_order)


def _order(one: Locked) -> tuple[str, str]:
    return one.image, one.name


def _locked(name: str, holder: str, digest_of: DigestOf) -> Locked:
    try:
        reference = read_reference(name)
    except InvalidSpec as error:
        raise InvalidSpec(
            f"{holder}: {error.message}; where that is no image, let a search rule of kbld with updateStrategy none "
            "match it"
        ) from None
    if reference.is_layout:
        raise InvalidSpec(f"{holder}: {name} lies on a disk, and no node pulls from there; name an image of a registry")
    if reference.digest is not None:  # it stays as it is written, wherever the bundle is not copied to
        return Locked(name, name, {IMAGE_ID: name})
    try:
        digest = digest_of(reference)
    except SOURCE_ERRORS as error:
        raise type(error)(
            f"{holder}, image {name}: {error.message}; correct the reference, or log in to its registry"
        ) from None
    resolved = {"url": name} | ({"tag": reference.tag} if reference.tag else {})
    notes = {IMAGE_ID: name, _ORIGINS: text_of([{"resolved": resolved}], mark="")}
    return Locked(name, reference.pinned(digest), notes)


def read(body: bytes | None, source: str) -> Sequence[Locked]:
    """What a lock holds. Raises FetchFailed for what is none."""
    if body is None:
        return []
    locked_images(body, source)  # it says what is wrong; and knows an image once, whatever its names
    document = yaml_text.load_all(body.decode(), source, FetchFailed)[0][1]
    found = []
    for entry in document.get("images") or (document.get("spec") or {}).get("images") or []:
        notes = entry.get("annotations") or {}
        found.append(Locked(notes.get(IMAGE_ID, ""), entry["image"], notes))
    return found


def write(entries: Iterable[Locked]) -> bytes:
    images = [
        ({"annotations": dict(one.notes)} if one.notes else {}) | {"image": one.image}
        for one in sorted(entries, key=_order)
    ]
    return text_of({**_LOCK, "images": images}).encode()


def text_of(document: Any, *, mark: str = "---\n", in_order: bool = True) -> str:
    """YAML as kbld writes it: keys in order (else as they come), a text of several lines as such."""
    return mark + yaml.dump(document, Dumper=_Dumper, sort_keys=in_order, allow_unicode=True, width=4096)


def differs(before: Sequence[Locked], after: Sequence[Locked]) -> bool:
    """Whether they lock other images, however the two were written."""
    return {(one.name, one.image) for one in before} != {(one.name, one.image) for one in after}


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
