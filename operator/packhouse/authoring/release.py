"""The story of a release: the package's bundle, what is said beside it, the repository that offers it, its tags last.

`plan` only reads; `carry_out` writes. Whatever is pushed lies under its digest, signed, before the repository's tag
leads to it, so nobody sees half of a release; one that was ended in the middle finds what is there and goes on.
Blocking. Called by cli/release.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from packhouse.adapters.bundle_pull import pull_into
from packhouse.adapters.cosign_private_keys import SigningKey
from packhouse.adapters.cosign_sign import sign
from packhouse.adapters.oras_repository import Repository
from packhouse.authoring import sbom
from packhouse.authoring.images import Locked
from packhouse.authoring.project import Project
from packhouse.authoring.publish import attached, contents, packed_folder, packed_package, released_before, tag_of
from packhouse.authoring.repository import Addition, Offer, added
from packhouse.client.errors import Trouble
from packhouse.domain.references import ImageReference
from packhouse.ports import Json, RawManifest
from packhouse.settings import Settings

#: Told what was done.
Says = Callable[[str], None]

_AGAIN: Final = "run it again: what is done is found"


@dataclass(frozen=True, slots=True)
class Wish:
    """`project`: with the version and the lock that are released. `repository`: its bundle lies under `tag`, and under
    `tags` too. `now`: RFC 3339."""

    project: Project
    lock: Sequence[Locked]
    package_home: Repository
    repository: Repository
    tag: str
    tags: Sequence[str]
    key: SigningKey | None
    now: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`base`: the repository's bundle as it is, None where there is none yet."""

    manifest: RawManifest
    bill: bytes
    offer: Offer
    base: RawManifest | None
    addition: Addition

    @property
    def is_offered(self) -> bool:
        return not self.addition.files


@dataclass(frozen=True, slots=True)
class Released:
    """By digest."""

    package: str
    repository: str
    tags: Sequence[str]


class Release:
    """A context manager: what was unpacked is removed at its end. Errors: Trouble, those of Registry."""

    def __init__(self, wish: Wish, settings: Settings) -> None:
        self._wish = wish
        self._files = contents(wish.project)
        self._settings = settings
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="packhouse-"))) / "bundle"
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def plan(self) -> Plan:
        wish = self._wish
        with packed_package(wish.project, self._files) as packed:
            manifest = packed.manifest
        image = f"{wish.package_home.name}@{manifest.digest}"
        bill = sbom.bill(wish.project.package, image, self._files, wish.lock)
        self._refuse_other_tag(manifest)
        base = wish.repository.manifest(wish.tag)
        self._folder.mkdir()
        if base is not None:
            pull_into(self._folder, wish.repository, None, base.digest, self._settings)
        files = {
            path.relative_to(self._folder).as_posix(): path.read_bytes()
            for path in self._folder.rglob("*")
            if path.is_file() and not path.is_symlink()
        }
        moment = released_before(wish.package_home, manifest.digest, bill, sbom.MEDIA_TYPE) or wish.now
        offer = Offer(_released(wish.project.package, image, moment), image, wish.project.metadata)
        return Plan(manifest, bill, offer, base, added(files, offer, f"{wish.repository.name}:{wish.tag}"))

    def carry_out(self, plan: Plan, says: Says) -> Released:
        wish = self._wish
        moment = str(plan.offer.package["spec"]["releasedAt"])
        with packed_package(wish.project, self._files) as packed:
            packed.push(wish.package_home, tag_of(plan.offer.version))
        says(f"pushed {plan.offer.image}")
        attached(wish.package_home, plan.manifest, plan.bill, sbom.MEDIA_TYPE, moment)
        says("attached its bill of materials")
        self._sign(wish.package_home, plan.manifest.digest, says)
        offering = self._offering(plan)
        self._sign(wish.repository, offering.digest, says)
        self._announce(plan, offering)
        tags = [*wish.tags, wish.tag]
        says(f"{wish.repository.name}: {', '.join(tags)} -> {offering.digest}")
        return Released(plan.offer.image, f"{wish.repository.name}@{offering.digest}", tags)

    def _refuse_other_tag(self, manifest: RawManifest) -> None:
        """What another repository may offer by its digest stays reachable: registries remove what no tag leads to."""
        wish = self._wish
        tag = tag_of(str(wish.project.package["spec"]["version"]))
        found = wish.package_home.digest_of(tag)
        if found not in (None, manifest.digest):
            raise Trouble(
                f"{wish.package_home.name}:{tag} is there with other content ({found})",
                "release another version, such as --bump patch, or delete that tag if nothing is fetched from it",
            )

    def _offering(self, plan: Plan) -> RawManifest:
        """The repository's bundle with the package in it, pushed under its digest."""
        if plan.base is not None and plan.is_offered:
            return plan.base
        for name, content in plan.addition.files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content)
        with tempfile.TemporaryFile() as layer:
            packed = packed_folder(self._folder, layer)
            packed.push(self._wish.repository, None)
        return packed.manifest

    def _announce(self, plan: Plan, offering: RawManifest) -> None:
        """The tags; that of the repository last, and only if nobody moved it meanwhile."""
        wish = self._wish
        before = plan.base.digest if plan.base is not None else None
        if wish.repository.digest_of(wish.tag) not in (before, offering.digest):
            raise Trouble(f"{wish.repository.name}:{wish.tag} was changed by somebody else meanwhile", _AGAIN)
        for tag in (*wish.tags, wish.tag):
            if wish.repository.digest_of(tag) != offering.digest:
                wish.repository.put_manifest(offering, tag)

    def _sign(self, home: Repository, digest: str, says: Says) -> None:
        if self._wish.key is not None:
            added_one = sign(home, digest, self._wish.key)
            says(f"{'signed' if added_one else 'was signed before:'} {home.name}@{digest}")


def _released(package: Json, image: str, moment: str) -> Json:
    """The package with its source and its time. What else its author says of the source, such as a pull secret,
    stays."""
    spec = package["spec"]
    app = spec["template"]["spec"]
    [source, *_] = app["fetch"]
    known = {key: value for key, value in (source.get("imgpkgBundle") or {}).items() if key != "tagSelection"}
    app = {"fetch": [{"imgpkgBundle": {**known, "image": image}}], **_without(app, "fetch")}
    first = {"publicName": spec["publicName"], "version": spec["version"], "releasedAt": moment}
    return {**package, "spec": {**first, **_without(spec, *first), "template": {**spec["template"], "spec": app}}}


def _without(fields: Json, *keys: str) -> Json:
    return {key: value for key, value in fields.items() if key not in keys}


def sibling(repository: ImageReference, public_name: str) -> str:
    """Where a package's bundle goes if nobody says: beside the repository, under the package's name."""
    folder = repository.path.rpartition("/")[0]
    return f"{repository.host}/{folder}/{public_name}" if folder else f"{repository.host}/{public_name}"
