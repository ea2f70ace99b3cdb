"""Repositories as the command line changes them, and the manifests that it takes.

Faked: the cluster. Real: the manifests' files, and a web server. Asserted: what is in the cluster, and what is said.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import BundleInvalid, DeployFailed, FetchLimitExceeded, Forbidden, PackhouseError
from packhouse.api.names import INSTALL_API, KICKED_AT
from packhouse.client import repositories
from packhouse.client.errors import NotFound, Trouble, Usage
from packhouse.client.manifests import MOST_BYTES, Manifest, manifests, read
from packhouse.client.session import Session, Target
from packhouse.domain.repository_source import Wanted
from packhouse.ports import Json, Ref
from packhouse.settings import Settings

HOST = "registry.example.com/team/packages"
TEXT = """
apiVersion: install.package.carvel.dev/v1alpha1
kind: PackageRepository
metadata: {name: one, labels: {a: b}}
spec: {fetch: {imgpkgBundle: {image: "registry.example.com/one:1"}}}
---
# the second
apiVersion: install.package.carvel.dev/v1alpha1
kind: PackageRepository
metadata: {name: two}
spec: {fetch: {git: {url: "https://git.example.com/a", ref: main}}, paused: true}
"""


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def session(cluster: FakeCluster, tmp_path: Path) -> Session:
    return Session(cluster, "demo", Settings(cache_dir=tmp_path / "cache"), Target())


async def spec_of(session: Session, name: str) -> Json:
    spec: Json = (await repositories.present(session, name))["spec"]
    return spec


async def test_a_repository_is_added_changed_kicked_and_deleted(session: Session) -> None:
    await repositories.add(session, "team", Wanted(f"{HOST}:1.0.0"))
    assert await spec_of(session, "team") == {"fetch": {"imgpkgBundle": {"image": f"{HOST}:1.0.0"}}}

    before, after = await repositories.update(session, "team", Wanted(constraint="1.x"))
    assert before["spec"] != after["spec"]
    assert await spec_of(session, "team") == {
        "fetch": {"imgpkgBundle": {"image": HOST, "tagSelection": {"semver": {"constraints": "1.x"}}}}
    }

    await repositories.kick(session, "team", "now")
    kicked = await repositories.present(session, "team")
    assert kicked["metadata"]["annotations"][KICKED_AT] == "now"

    await repositories.delete(session, kicked)
    assert await repositories.listed(session) == []


async def test_a_name_that_is_taken_is_left_alone(session: Session) -> None:
    await repositories.add(session, "team", Wanted(f"{HOST}:1"))

    with pytest.raises(Trouble) as refused:
        await repositories.add(session, "team", Wanted(f"{HOST}:2"))

    assert "repository update team" in refused.value.help
    assert (await spec_of(session, "team"))["fetch"]["imgpkgBundle"]["image"] == f"{HOST}:1"


async def test_a_repository_that_is_not_there_is_answered_with_the_nearest(session: Session) -> None:
    await repositories.add(session, "team", Wanted(f"{HOST}:1"))

    for ask in (
        repositories.present(session, "teem"),
        repositories.update(session, "teem", Wanted(tag="2")),
        repositories.kick(session, "teem", "now"),
    ):
        with pytest.raises(NotFound) as refused:
            await ask
        assert (refused.value.what, refused.value.help) == ("there is no repository teem", "did you mean team?")


async def test_manifests_are_installed_as_they_stand_and_again_as_they_stand_then(session: Session) -> None:
    await repositories.install(session, manifests(TEXT.encode(), "r.yaml"))
    assert [one["metadata"]["name"] for one in await repositories.listed(session)] == ["one", "two"]
    await repositories.update(session, "two", Wanted(tag="v2"))

    await repositories.install(session, manifests(TEXT.replace(", paused: true", "").encode(), "r.yaml"))

    assert await spec_of(session, "two") == {"fetch": {"git": {"url": "https://git.example.com/a", "ref": "main"}}}
    assert (await repositories.present(session, "one"))["metadata"]["labels"] == {"a": "b"}


async def test_of_several_manifests_all_are_installed_or_none(session: Session, cluster: FakeCluster) -> None:
    await repositories.add(session, "one", Wanted(f"{HOST}:0"))

    def refusing(refused: str) -> Callable[[str, Ref], PackhouseError | None]:
        error = DeployFailed("no; mend it", invalid=True)
        return lambda verb, ref: error if (verb, ref.name) == (refused, "two") else None

    for verb in ("dry run", "create"):  # on trial, and by a change in between
        cluster.refuse = refusing(verb)
        with pytest.raises(Trouble) as refused:
            await repositories.install(session, manifests(TEXT.encode(), "r.yaml"))

        assert refused.value.what.startswith("r.yaml:8: no")
        assert refused.value.help == "mend it"
    assert [one["metadata"]["name"] for one in await repositories.listed(session)] == ["one"]
    assert (await spec_of(session, "one"))["fetch"] == {"imgpkgBundle": {"image": f"{HOST}:0"}}


async def test_installs_of_a_repository_are_found_by_what_they_took(session: Session, cluster: FakeCluster) -> None:
    for name, repository in (("web", "team"), ("app", "team"), ("other", "else")):
        install = {"apiVersion": INSTALL_API, "kind": "InstalledPackage"}
        metadata = {"name": name, "namespace": "demo"}
        await cluster.apply({**install, "metadata": metadata, "spec": {}}, manager="test")
        status = {"packageRef": {"name": f"{name}.example.com.1.0.0", "repository": repository}}
        await cluster.apply({**install, "metadata": metadata, "status": status}, manager="test", subresource="status")

    assert await repositories.users(session, "team") == repositories.Users(["demo/app", "demo/web"])

    cluster.refuse = lambda verb, ref: Forbidden("you may not list installs") if verb == "list" else None
    assert await repositories.users(session, "team") == repositories.Users((), "you may not list installs")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: Secret\napiVersion: v1\n", r"r\.yaml:1: Secret \(v1\) is not accepted"),
        (TEXT + "---\n\n- a\n", r"r\.yaml:14: a text without a kind \(no apiVersion\) is not accepted"),
        (TEXT.replace("metadata: {name: two}", "metadata: {}"), r"r\.yaml:8: metadata\.name is missing"),
        (TEXT.replace("metadata: {name: two}", "metadata: x"), r"r\.yaml:8: metadata\.name is missing"),
        (TEXT.replace("{a: b}", "[a]"), r"r\.yaml:2: metadata\.labels must be a map"),
        (TEXT.partition("spec:")[0], r"r\.yaml:2: spec must be a map"),
        ("# nothing\n", r"r\.yaml holds no document"),
    ],
)
def test_only_repositories_are_accepted_and_errors_have_their_line(text: str, words: str) -> None:
    with pytest.raises(Trouble, match=words):
        manifests(text.encode(), "r.yaml")


def test_a_text_that_is_no_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(BundleInvalid, match=r"^r\.yaml:3: no valid YAML"):
        manifests(b"kind: x\napiVersion: y\n  bad: [\n", "r.yaml")
    with pytest.raises(Trouble, match="no UTF-8 text"):
        manifests(b"\xff\xfe", "r.yaml")


async def test_a_file_is_read_within_a_limit(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(TEXT)
    found = await read(str(file), session.settings)
    assert [(one.place.rpartition("/")[2], one.document["metadata"]["name"]) for one in found] == [
        ("r.yaml:2", "one"),
        ("r.yaml:8", "two"),
    ]

    file.write_text("#" * (MOST_BYTES + 1))
    with pytest.raises(Trouble, match=f"more than {MOST_BYTES} bytes"):
        await read(str(file), session.settings)
    with pytest.raises(Usage, match="No such file"):
        await read(str(tmp_path / "none"), session.settings)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "r.yaml").write_text(TEXT)
    (folder / "large.yaml").write_text("#" * (MOST_BYTES + 1))
    server = HTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


async def test_a_manifest_comes_from_the_web_within_the_same_limits(session: Session, web: str) -> None:
    found: list[Manifest] = await read(f"{web}/r.yaml?token=secret", session.settings)
    assert [one.place for one in found] == [f"{web}/r.yaml:2", f"{web}/r.yaml:8"]

    with pytest.raises(FetchLimitExceeded, match=r"large\.yaml"):
        await read(f"{web}/large.yaml", session.settings)
    with pytest.raises(PackhouseError, match=r"not found \(404\).*download it yourself"):
        await read(f"{web}/none.yaml", session.settings)
    with pytest.raises(PackhouseError, match="plain http is spoken only with this machine"):
        await read("http://files.example.com/r.yaml", session.settings)
