"""The fetch step `git`: which commit a ref or a constraint stands for, as whom it is asked, what lands.

Real: git servers by http and by ssh, the adapter, the cache. Faked: the reading of Secrets (a dict).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import paramiko
import pytest

from fakes_registry import FakeRegistry
from fakes_sources import FakeSignatures, NoDownloads
from git_server import Repository, WebServer, open_ssh, open_web
from packhouse.adapters.git_servers import DulwichServers
from packhouse.api.errors import (
    AuthenticationFailed,
    FetchFailed,
    InvalidConstraint,
    InvalidSpec,
    NoMatchingVersion,
    PackhouseError,
    SecretMissing,
    SignatureInvalid,
    SourceNotFound,
    UnsupportedStep,
)
from packhouse.fetch import Fetched, Origins, Resolution, Sources, fetch_all, resolve_all
from packhouse.ports import Json, TrustPolicy
from packhouse.settings import Settings


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.make(tmp_path / "served/one")
    made.commit({"config/a.yml": "1", "readme.md": "r"})
    return made


@pytest.fixture
def web(tmp_path: Path, repository: Repository) -> Iterator[WebServer]:
    with open_web(tmp_path / "served") as made:
        yield made


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[DulwichServers]:
    made = DulwichServers(
        Settings(cache_dir=tmp_path / "cache", registry_timeout_seconds=5, fetch_timeout_seconds=20),
        jitter=lambda: 0.0,
    )
    yield made
    made.close()


def secret(**data: str) -> Json:
    return {"data": {name.replace("_", "-"): base64.b64encode(text.encode()).decode() for name, text in data.items()}}


def sources(
    servers: DulwichServers, tmp_path: Path, secrets: Mapping[str, Json] | None = None, *, policy: bool = False
) -> Sources:
    async def read(name: str) -> Json:
        try:
            return (secrets or {})[name]
        except KeyError:
            raise SecretMissing(f"Secret demo/{name} does not exist") from None

    origins = Origins(FakeRegistry(tmp_path, {}, {}), NoDownloads(), servers, FakeSignatures())
    wanted = TrustPolicy("PackageRepository team")
    return Sources(origins, read, read, "demo", 10**6, policy=lambda _: wanted if policy else None)


async def fetched(step: Json, given: Sources) -> tuple[Resolution, Fetched]:
    resolution = await resolve_all([{"git": step}], given)
    return resolution, await fetch_all([{"git": step}], given, resolution)


# ---- which commit ----------------------------------------------------------------------------------------


@pytest.fixture
def history(repository: Repository) -> dict[str, str]:
    """Name -> commit."""
    made = {"first": repository.git("rev-parse", "HEAD")}
    repository.git("tag", "v1.0.0")
    for name, tag in (("second", "v1.1.0"), ("third", "2.0.0-rc.1"), ("fourth", "nonsense"), ("fifth", "v1.2.0+b.2")):
        made[name] = repository.commit({"config/a.yml": name})
        repository.git("tag", "-am", "x", tag)
    repository.git("branch", "both", made["first"])
    repository.git("tag", "both", made["second"])
    repository.git("branch", "team/side", made["third"])
    made["main"] = repository.commit({"config/a.yml": "main"})
    return made


CHOSEN: dict[str, tuple[Json, str, str | None]] = {
    "a branch": ({"ref": "main"}, "main", None),
    "a branch as a clone names it": ({"ref": "origin/main"}, "main", None),
    "a branch with a slash": ({"ref": "team/side"}, "third", None),
    "the full name of a branch": ({"ref": "refs/heads/both"}, "first", None),
    "a tag": ({"ref": "v1.0.0"}, "first", "v1.0.0"),
    "a tag of its own": ({"ref": "v1.1.0"}, "second", "v1.1.0"),
    "the full name of a tag": ({"ref": "refs/tags/v1.1.0"}, "second", "v1.1.0"),
    "a tag before a branch of its name": ({"ref": "both"}, "second", "both"),
    "the default branch": ({"ref": "HEAD"}, "main", None),
    "a range": ({"refSelection": {"semver": {"constraints": ">=1.0.0 <1.2.0"}}}, "second", "v1.1.0"),
    "the highest release": ({"refSelection": {"semver": {"constraints": ">0.0.0"}}}, "fifth", "v1.2.0+b.2"),
    "prereleases": (
        {"refSelection": {"semver": {"constraints": ">0.0.0", "prereleases": {}}}},
        "third",
        "2.0.0-rc.1",
    ),
    "prereleases of a kind": (
        {"refSelection": {"semver": {"constraints": ">0.0.0", "prereleases": {"identifiers": ["beta"]}}}},
        "fifth",
        "v1.2.0+b.2",
    ),
}


@pytest.mark.parametrize("row", CHOSEN)
async def test_a_ref_or_a_constraint_stands_for_a_commit(
    row: str, history: dict[str, str], repository: Repository, web: WebServer, servers: DulwichServers, tmp_path: Path
) -> None:
    fields, name, version = CHOSEN[row]
    step = {"url": web.url(repository), "subPath": "config", **fields}
    resolution, got = await fetched(step, sources(servers, tmp_path))
    assert (resolution.digest, resolution.version) == (f"sha1:{history[name]}", version)
    assert resolution.parts[0].source.startswith(f"{web.url(repository)}@")
    assert await got.files() == {"a.yml": b"1" if name == "first" else name.encode()}


async def test_a_whole_commit_is_resolved_without_a_request_and_fetched_once(
    history: dict[str, str], repository: Repository, web: WebServer, servers: DulwichServers, tmp_path: Path
) -> None:
    given = sources(servers, tmp_path)
    step = {"url": web.url(repository), "ref": history["second"]}
    resolution = await resolve_all([{"git": step}], given)
    assert resolution.digest == f"sha1:{history['second']}"
    assert not web.asked
    for _ in range(3):
        assert (await (await fetch_all([{"git": step}], given, resolution)).files())["config/a.yml"] == b"second"
    assert len(web.asked) <= 3


async def test_what_status_recorded_is_fetched_again_while_the_server_is_away(
    history: dict[str, str], repository: Repository, web: WebServer, servers: DulwichServers, tmp_path: Path
) -> None:
    steps = [{"git": {"url": web.url(repository), "ref": "main"}}]
    given = sources(servers, tmp_path)
    resolution = await resolve_all(steps, given)
    await fetch_all(steps, given, resolution)
    recorded = Resolution.from_wire(resolution.to_wire(), steps)
    assert recorded is not None
    web.users["nobody"] = "any more"
    again = await resolve_all(steps, given, instead=recorded)
    assert isinstance(again.trouble, AuthenticationFailed)
    assert (await (await fetch_all(steps, given, again)).files())["config/a.yml"] == b"main"


REFUSED: dict[str, tuple[Json, type[PackhouseError], str]] = {
    "no such ref": ({"ref": "nope"}, SourceNotFound, "no branch and no tag 'nope' .it has 6 tags and 3 branches: both"),
    "a short commit": ({"ref": "abcdef0"}, SourceNotFound, "written with all of its 40 digits"),
    "a ref that is an option": ({"ref": "--upload-pack=id"}, InvalidSpec, "can be no branch, tag or commit"),
    "a ref with a blank": ({"ref": "a b"}, InvalidSpec, "can be no branch"),
    "a ref that climbs": ({"ref": "a/../b"}, InvalidSpec, "can be no branch"),
    "a ref that is computed": ({"ref": "main~3"}, InvalidSpec, "can be no branch"),
    "an empty ref": ({"ref": ""}, InvalidSpec, "can be no branch"),
    "neither": ({}, InvalidSpec, "exactly one of ref and refSelection"),
    "both": ({"ref": "a", "refSelection": {"semver": {"constraints": "*"}}}, InvalidSpec, "exactly one of"),
    "no version that fits": (
        {"refSelection": {"semver": {"constraints": ">9"}}},
        NoMatchingVersion,
        "highest is 2.0.0",
    ),
    "a constraint that is none": (
        {"refSelection": {"semver": {"constraints": "><"}}},
        InvalidConstraint,
        "cannot be read",
    ),
    "a selection of another kind": ({"refSelection": {"newest": True}}, InvalidSpec, "must hold semver"),
    "a commit that is not there": ({"ref": "0" * 40}, SourceNotFound, "has no commit 0000"),
    "a folder that is not there": ({"ref": "main", "subPath": "nope"}, FetchFailed, "holds no folder 'nope'"),
    "a folder outside": ({"ref": "main", "subPath": "../x"}, InvalidSpec, "relative path without"),
    "a field that is not known": (
        {"ref": "main", "verification": {}},
        UnsupportedStep,
        "verification is not supported",
    ),
    "a depth that is none": ({"ref": "main", "depth": "1"}, InvalidSpec, "depth must be a number"),
    "a flag that is none": ({"ref": "main", "submodules": "yes"}, InvalidSpec, "submodules must be true or false"),
    "another scheme": ({"url": "file:///etc", "ref": "main"}, InvalidSpec, "begins with https://"),
    "a command": ({"url": "ext::id", "ref": "main"}, InvalidSpec, "begins with https://"),
}


@pytest.mark.parametrize("row", REFUSED)
async def test_each_refusal_has_its_reason(
    row: str, history: dict[str, str], repository: Repository, web: WebServer, servers: DulwichServers, tmp_path: Path
) -> None:
    fields, kind, words = REFUSED[row]
    with pytest.raises(kind, match=words) as caught:
        await fetched({"url": web.url(repository), **fields}, sources(servers, tmp_path))
    assert type(caught.value) is kind


async def test_where_signatures_are_asked_for_only_a_whole_commit_passes(
    history: dict[str, str], repository: Repository, web: WebServer, servers: DulwichServers, tmp_path: Path
) -> None:
    given = sources(servers, tmp_path, policy=True)
    url = web.url(repository)
    for fields in ({"ref": "main"}, {"ref": "v1.0.0"}, {"refSelection": {"semver": {"constraints": "*"}}}):
        with pytest.raises(SignatureInvalid, match="give a whole commit"):
            await resolve_all([{"git": {"url": url, **fields}}], given)
    assert not web.asked
    await fetched({"url": url, "ref": history["first"]}, given)


# ---- as whom ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        pytest.param({"username": "alice", "password": "wonder\n"}, None, "", id="user and password"),
        pytest.param(
            {"username": "alice", "password": "s3cr3t"}, AuthenticationFailed, "Secret demo/git", id="wrong ones"
        ),
        pytest.param({"username": "alice"}, AuthenticationFailed, "it needs username and password", id="no password"),
        pytest.param(
            {"ssh_privatekey": "s3cr3t"}, AuthenticationFailed, "has the keys ssh-privatekey", id="a key for ssh"
        ),
        pytest.param({}, AuthenticationFailed, "has the keys none", id="nothing"),
    ],
)
async def test_a_secret_opens_a_repository_by_http(
    data: dict[str, str],
    kind: type[PackhouseError] | None,
    words: str,
    repository: Repository,
    web: WebServer,
    servers: DulwichServers,
    tmp_path: Path,
) -> None:
    web.users["alice"] = "wonder"
    step = {"url": web.url(repository), "ref": "main", "secretRef": {"name": "git"}, "forceHTTPBasicAuth": True}
    given = sources(servers, tmp_path, {"git": secret(**data)})
    if kind is None:
        assert "readme.md" in await (await fetched(step, given))[1].files()
        return
    with pytest.raises(kind, match=words) as caught:
        await fetched(step, given)
    assert "s3cr3t" not in caught.value.message


async def test_a_secret_that_is_not_there_is_waited_for(
    repository: Repository, web: WebServer, servers: DulwichServers, tmp_path: Path
) -> None:
    step = {"url": web.url(repository), "ref": "main", "secretRef": {"name": "git"}}
    with pytest.raises(SecretMissing, match="Secret demo/git"):
        await fetched(step, sources(servers, tmp_path))


@pytest.mark.parametrize(
    "words", [("ssh-privatekey", "ssh-knownhosts"), ("identity", "known_hosts")], ids=["Carvel", "Flux"]
)
async def test_a_secret_opens_a_repository_by_ssh(
    words: tuple[str, str], repository: Repository, servers: DulwichServers, tmp_path: Path
) -> None:
    key = paramiko.ECDSAKey.generate()
    text = io.StringIO()
    key.write_private_key(text)
    with open_ssh(tmp_path / "served", paramiko.ECDSAKey.generate()) as ssh:
        ssh.keys.append(key)
        values = (text.getvalue(), ssh.known_hosts)
        data = {name: base64.b64encode(value.encode()).decode() for name, value in zip(words, values, strict=True)}
        step: dict[str, Any] = {"url": ssh.url(repository), "ref": "main", "secretRef": {"name": "git"}}
        given = sources(servers, tmp_path, {"git": {"data": data}, "half": {"data": {words[0]: data[words[0]]}}})
        assert "readme.md" in await (await fetched(step, given))[1].files()
        asked = len(ssh.commands)
        with pytest.raises(AuthenticationFailed, match="Secret demo/half holds no known key of this host"):
            await fetched({**step, "secretRef": {"name": "half"}}, given)
        assert len(ssh.commands) == asked


# ---- Git LFS ---------------------------------------------------------------------------------------------

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


async def test_pointers_of_lfs_are_taken_only_where_the_step_says_so(
    repository: Repository, web: WebServer, servers: DulwichServers, tmp_path: Path
) -> None:
    repository.commit({"docs/lfs.txt": POINTER})
    given, step = sources(servers, tmp_path), {"url": web.url(repository), "ref": "main"}
    await fetched(step, given)  # nothing says that it is more than a text
    repository.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "d/x.bin": POINTER})
    with pytest.raises(UnsupportedStep, match=r"'d(ocs)?/.*' is kept by Git LFS.*set lfsSkipSmudge"):
        await fetched(step, given)
    files = await (await fetched({**step, "lfsSkipSmudge": True}, given))[1].files()
    assert files["d/x.bin"] == POINTER.encode()
