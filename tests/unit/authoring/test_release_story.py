"""Releases into real registries: what lies there at the end, and after one that was ended at any of its writes.

Real: both registries, the folder, keys. Faked: that a process dies, by an exception that nobody catches, at each place
where something is written. tests/unit/adapters/test_cosign_sign.py has cosign judge such signatures.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cluster.registry import LocalRegistry
from packhouse.adapters.bundle_pull import pull_into
from packhouse.adapters.cosign_private_keys import read_key
from packhouse.adapters.oras_repository import Repository
from packhouse.authoring import images, sbom
from packhouse.authoring.project import read
from packhouse.authoring.release import Release, Released, Wish, sibling
from packhouse.authoring.versions import with_version
from packhouse.client.errors import Trouble
from packhouse.domain.images_lock import LOCK_FILE
from packhouse.domain.references import read_reference
from packhouse.ports import Access
from packhouse.settings import Settings

REGISTRIES = [pytest.param("registry", id="without referrers"), pytest.param("referrers_registry", id="with referrers")]
DIGEST = f"sha256:{'d' * 64}"
NOW = "2026-05-04T03:02:01Z"
PEM = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
KEY = read_key(PEM, "team.pem", bytes)
NAME = "web.packages.example.com"


class Died(BaseException):
    pass


@dataclass(slots=True)
class Place:
    """Repositories of a team in one registry."""

    host: str
    team: str

    @contextmanager
    def wish(self, folder: Path, version: str = "1.0.0", **changes: Any) -> Iterator[Wish]:
        project = with_version(read(folder), version)
        lock = images.lock({"nginx:1": "Pod web"}, (), lambda _: DIGEST, anew=True)
        with ExitStack() as stack:
            homes = []
            for name in (NAME, "repo"):
                home = Repository(read_reference(f"{self.host}/{self.team}/{name}"), Access(), Settings())
                stack.callback(home.close)
                homes.append(home)
            project = replace(project, instead={LOCK_FILE: images.write(lock)})
            made = Wish(project, lock, homes[0], homes[1], "latest", (), KEY, NOW)
            yield replace(made, **changes)

    def release(self, folder: Path, version: str = "1.0.0", **changes: Any) -> Released:
        with self.wish(folder, version, **changes) as wish, Release(wish, Settings()) as work:
            return work.carry_out(work.plan(), lambda _: None)

    def offered(self, tmp_path: Path, tag: str = "latest") -> Mapping[str, str]:
        """The files of the repository's bundle; none where there is no bundle."""
        home = Repository(read_reference(f"{self.host}/{self.team}/repo"), Access(), Settings())
        try:
            digest = home.digest_of(tag)
            target = tmp_path / secrets.token_hex(4)
            if digest is None:
                return {}
            pull_into(target, home, None, digest, Settings())
        finally:
            home.close()
        return {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}


def bills(home: Repository, digest: str) -> list[Any]:
    """The manifests of the bills of materials that are attached."""
    found = [home.manifest(one.digest) for one in home.referrers(digest)]
    documents = [json.loads(raw.body) for raw in found if raw is not None]
    return [document for document in documents if document.get("artifactType") == sbom.MEDIA_TYPE]


def at(registry: LocalRegistry) -> Place:
    return Place(registry.host, f"t{secrets.token_hex(4)}")


@pytest.mark.parametrize("make", REGISTRIES)
def test_a_release_pushes_the_package_its_bill_and_a_repository_that_offers_it(
    make: str, request: pytest.FixtureRequest, package: Callable[..., Path], tmp_path: Path
) -> None:
    place, folder = at(request.getfixturevalue(make)), package()
    released = place.release(folder, tags=("1.0.0",))
    files = place.offered(tmp_path)
    assert sorted(files) == [
        ".imgpkg/images.yml",
        f"packages/{NAME}/1.0.0.yml",
        f"packages/{NAME}/metadata.yml",
    ]
    assert place.offered(tmp_path, "1.0.0") == files
    assert f"image: {released.package}\n" in files[f"packages/{NAME}/1.0.0.yml"]
    assert f"releasedAt: '{NOW}'\n" in files[f"packages/{NAME}/1.0.0.yml"]
    assert released.package in files[".imgpkg/images.yml"]
    with place.wish(folder) as wish:
        digest = released.package.partition("@")[2]
        assert wish.package_home.digest_of("1.0.0") == digest
        [document] = bills(wish.package_home, digest)
        body = wish.package_home.content(document["layers"][0]["digest"], 1_000_000)
        assert json.loads(body or b"")["metadata"]["component"]["version"] == "1.0.0"
        for home, one in ((wish.package_home, digest), (wish.repository, released.repository.partition("@")[2])):
            assert home.digest_of(f"{one.replace(':', '-')}.sig") is not None


def test_the_package_s_bundle_holds_what_templates_need_and_says_what_it_is(
    package: Callable[..., Path], registry: LocalRegistry, tmp_path: Path
) -> None:
    place, folder = at(registry), package({"config/run.sh": "#!/bin/sh\n", "config/.hidden": "x"})
    (folder / "config/run.sh").chmod(0o755)
    released = place.release(folder, "1.2.0+a.1")
    with place.wish(folder) as wish:
        assert wish.package_home.digest_of("1.2.0_a.1") == released.package.partition("@")[2]
        target = tmp_path / "pulled"
        pull_into(target, wish.package_home, None, released.package.partition("@")[2], Settings())
    found = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    assert found == [
        ".imgpkg/bundle.yml",
        ".imgpkg/images.yml",
        "config/.hidden",
        "config/deployment.yml",
        "config/run.sh",
        "config/service.yml",
    ]
    assert (target / "config/run.sh").stat().st_mode & 0o100
    assert f"name: {NAME}\n  version: 1.2.0+a.1\n" in (target / ".imgpkg/bundle.yml").read_text()


def test_a_second_version_joins_the_first_and_the_same_one_again_changes_nothing(
    package: Callable[..., Path], registry: LocalRegistry, tmp_path: Path
) -> None:
    place, folder = at(registry), package()
    first = place.release(folder)
    again = place.release(folder, now="2030-01-01T00:00:00Z")
    assert again == first
    place.release(folder, "1.1.0")
    offered = [name for name in place.offered(tmp_path) if name.endswith(".0.yml")]
    assert sorted(offered) == [f"packages/{NAME}/1.0.0.yml", f"packages/{NAME}/1.1.0.yml"]


def test_a_version_is_not_released_with_other_content(
    package: Callable[..., Path], registry: LocalRegistry, tmp_path: Path
) -> None:
    place, folder = at(registry), package()
    place.release(folder)
    before = place.offered(tmp_path)
    (folder / "config/service.yml").write_text("kind: Other\n")
    with pytest.raises(Trouble, match=rf"{NAME}:1\.0\.0 is there with other content \(sha256:"):
        place.release(folder)
    assert place.offered(tmp_path) == before


def test_a_repository_that_somebody_else_changes_meanwhile_is_not_overwritten(
    package: Callable[..., Path], registry: LocalRegistry, tmp_path: Path
) -> None:
    place, folder = at(registry), package()
    place.release(folder)
    with place.wish(folder, "1.1.0") as wish, Release(wish, Settings()) as work:
        plan = work.plan()
        place.release(folder, "1.2.0")
        with pytest.raises(Trouble, match="latest was changed by somebody else meanwhile") as refused:
            work.carry_out(plan, lambda _: None)
    assert refused.value.help == "run it again: what is done is found"
    place.release(folder, "1.1.0")
    versions = [name for name in place.offered(tmp_path) if name.endswith(".0.yml")]
    assert len(versions) == 3


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, writes: int) -> Iterator[None]:
    """A process that may write so often, and then is gone."""
    left = writes

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            if not left:
                raise Died
            left -= 1
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("upload", "put_manifest"):
            patch.setattr(Repository, name, counted(getattr(Repository, name)))
        yield


@pytest.mark.parametrize(
    ("make", "step"),
    [
        pytest.param("registry", 4, id="without referrers"),  # it takes its time for each write
        pytest.param("referrers_registry", 1, id="with referrers"),
    ],
)
def test_a_release_that_ends_at_any_write_shows_nothing_and_is_carried_on(
    make: str,
    step: int,
    request: pytest.FixtureRequest,
    package: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = package()
    registry = request.getfixturevalue(make)
    place = at(registry)
    place.release(folder, "0.9.0")
    before = place.offered(tmp_path)
    for died in range(100):
        try:
            with dying(monkeypatch, step):  # each run gets so many writes further
                place.release(folder, now=f"2026-01-01T00:{died:02}:00Z")
        except Died:
            assert place.offered(tmp_path) == before
        else:
            break
    assert died * step > 8, "there is less to write than this test was made for"
    done = place.release(folder, now="2030-01-01T00:00:00Z")
    with place.wish(folder) as wish:
        digest = done.package.partition("@")[2]
        attached = bills(wish.package_home, digest)
        signatures = wish.package_home.manifest(f"{digest.replace(':', '-')}.sig")
    assert len(attached) == 1
    assert signatures is not None
    assert len(json.loads(signatures.body)["layers"]) == 1
    assert place.offered(tmp_path).keys() - before.keys() == {f"packages/{NAME}/1.0.0.yml"}


def test_a_package_s_bundle_goes_beside_the_repository() -> None:
    assert sibling(read_reference("example.com/team/repo:1"), NAME) == f"example.com/team/{NAME}"
    assert sibling(read_reference("example.com:5000/repo"), NAME) == f"example.com:5000/{NAME}"
