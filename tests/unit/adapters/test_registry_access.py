"""Who is let in by real registries, by passwords and by signed tokens. Each row names what is expected."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.registry import LocalRegistry, open_registry
from fakes_sources import origins
from packhouse.adapters.oras_push import push_bundle_blocking
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import AuthenticationFailed, PackhouseError, SourceNotFound
from packhouse.fetch import Keyring, Sources
from packhouse.fetch.access import registry_access
from packhouse.ports import Access, Credentials, Json
from packhouse.settings import Settings
from token_server import TokenServer

ADA, BOB = "correct-horse", "battery-staple"
#: The Secrets that rows name, with HOST for the registry's own.
SECRETS: dict[str, Mapping[str, Any]] = {
    "good": {"HOST": ("ada", ADA)},
    "for the path": {"HOST/team": ("ada", ADA), "HOST": ("bob", BOB)},
    "for another path": {"HOST/teams": ("ada", ADA)},
    "for another host": {"ghcr.io": ("ada", ADA), "*.azurecr.io": ("ada", ADA)},
    "wrong": {"HOST": ("ada", "s3cret-but-wrong")},
    "bob": {"HOST": ("bob", BOB)},
    "identity": {"HOST": {"identitytoken": "id-of-ada"}},
    "identity with a user": {"HOST": {"auth": base64.b64encode(b"0000:").decode(), "identitytoken": "id-of-ada"}},
    "identity that ended": {"HOST": {"identitytoken": "id-of-nobody"}},
    "bearer": {"HOST": {"registrytoken": "TOKEN-OF-ADA"}},
    "bearer that is none": {"HOST": {"registrytoken": "s3cret"}},
}
TRIED = "refused access with 401; tried as "
NOBODY = f"{TRIED}nobody (no credentials were given: a secretRef names some)"

Row = tuple[list[str], type[PackhouseError] | None, list[str]]
#: Secrets in their order; the error (None: let in); what its message says.
BOTH: dict[str, Row] = {
    "the right password": (["good"], None, []),
    "no secret": ([], AuthenticationFailed, [NOBODY]),
    "a wrong password": (["wrong"], AuthenticationFailed, [f"{TRIED}user 'ada' of Secret demo/wrong"]),
    "an entry for the path goes before one for the host": (["for the path"], None, []),
    "only an entry for another path": (
        ["for another path"],
        AuthenticationFailed,
        [NOBODY, "Secret demo/for another path holds credentials for HOST only"],
    ),
    "only entries for other hosts": (
        ["for another host"],
        AuthenticationFailed,
        [NOBODY, "Secret demo/for another host holds credentials for *.azurecr.io, ghcr.io only"],
    ),
    "a wrong one, then the right one": (["wrong", "good"], None, []),
    "one for other hosts, then the right one": (["for another host", "good"], None, []),
    "two that are wrong": (
        ["wrong", "bob"],
        AuthenticationFailed,
        ["user 'ada' of Secret demo/wrong, then user 'bob' of Secret demo/bob"],
    ),
}
TOKENS: dict[str, Row] = {
    "an identity token": (["identity"], None, []),
    "an identity token beside a user": (["identity with a user"], None, []),
    "an identity token that ended": (
        ["identity that ended"],
        AuthenticationFailed,
        ["refused access with 400; tried as the token of Secret demo/identity that ended"],
    ),
    "an identity token that ended, then a password": (["identity that ended", "good"], None, []),
    "a bearer token": (["bearer"], None, []),
    "a bearer token that is none": (
        ["bearer that is none"],
        AuthenticationFailed,
        [f"{TRIED}the token of Secret demo/bearer that is none"],
    ),
    "a user without a right to it": (["bob"], AuthenticationFailed, [f"{TRIED}user 'bob' of Secret demo/bob"]),
    "a user without a right to it, then one with": (["bob", "good"], None, []),
}


@dataclass(frozen=True, slots=True)
class Guarded:
    registry: LocalRegistry
    digest: str
    bearer: str = ""

    def secret(self, name: str) -> Json:
        text = json.dumps({"auths": {host: _entry(value) for host, value in SECRETS[name].items()}})
        text = text.replace("HOST", self.registry.host).replace("TOKEN-OF-ADA", self.bearer)
        return {"data": {".dockerconfigjson": base64.b64encode(text.encode()).decode()}}


def _entry(value: Any) -> Any:
    return value if isinstance(value, dict) else {"username": value[0], "password": value[1]}


def published(folder: Path, host: str, login: Credentials) -> str:
    (folder / "bundle/packages").mkdir(parents=True, exist_ok=True)
    (folder / "bundle/packages/a.yml").write_text("a: 1\n")
    return push_bundle_blocking(folder / "bundle", f"{host}/team/app:1", login, Settings())


@pytest.fixture(scope="module")
def basic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A registry with a password file: it knows who asks, and lets each user do everything."""
    folder = tmp_path_factory.mktemp("basic")
    with open_registry(auth=True) as registry:
        assert registry.username and registry.password
        digest = published(folder, registry.host, Credentials(registry.username, registry.password))
        yield Guarded(registry, digest)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    users = {"ada": ADA, "bob": BOB}
    grants = {"ada": ["team/*"], "bob": ["others/*"], "": ["public/*"]}
    with TokenServer(tmp_path_factory.mktemp("tokens"), users, grants, {"id-of-ada": "ada"}) as server:
        yield server


@pytest.fixture(scope="module")
def token(tokens: TokenServer) -> Iterator[Guarded]:
    """A registry that takes signed tokens."""
    with open_registry(token=tokens.registry_config) as registry:
        digest = published(tokens.folder, registry.host, Credentials("ada", ADA))
        yield Guarded(registry, digest, tokens.token("ada", "repository:team/app:pull"))


async def access_of(guarded: Guarded, names: list[str], repository: str = "team/app") -> Access:
    """As the fetch stage makes it: the step's own Secret, then the pull secrets."""

    async def secret(name: str) -> Json:
        return guarded.secret(name)

    async def pull_secrets() -> list[Keyring]:
        return [Keyring.read(guarded.secret(name), f"Secret demo/{name}") for name in names[1:]]

    sources = Sources(origins(OrasRegistry(Settings())), secret, secret, "demo", 1000, pull_secrets)
    stanza = {"secretRef": {"name": names[0]}} if names else {}
    return await registry_access(f"{guarded.registry.host}/{repository}", stanza, "image", sources)


async def check(guarded: Guarded, row: Row, folder: Path) -> None:
    names, error, words = row
    access = await access_of(guarded, names)
    adapter = OrasRegistry(Settings(cache_dir=folder))
    try:
        if error is None:
            tree = await adapter.pull(f"{guarded.registry.host}/team/app:1", access)
            assert (tree.digest, (tree.root / "packages/a.yml").read_text()) == (guarded.digest, "a: 1\n")
            return
        with pytest.raises(PackhouseError) as caught:
            await adapter.pull(f"{guarded.registry.host}/team/app:1", access)
    finally:
        adapter.close()
    assert type(caught.value) is error
    for word in words:
        assert word.replace("HOST", guarded.registry.host) in caught.value.message
    assert "s3cret" not in caught.value.message
    assert BOB not in caught.value.message


@pytest.mark.parametrize("row", [*BOTH, *TOKENS])
async def test_a_registry_with_tokens_lets_in_who_may_and_names_who_was_tried(
    row: str, token: Guarded, tmp_path: Path
) -> None:
    await check(token, {**BOTH, **TOKENS}[row], tmp_path)


@pytest.mark.parametrize("row", BOTH)
async def test_a_registry_with_passwords_lets_in_who_may_and_names_who_was_tried(
    row: str, basic: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert basic.registry.username and basic.registry.password
    # the file of users knows one name only
    real = {"ada": (basic.registry.username, basic.registry.password)}
    names, error, words = BOTH[row]
    known = {
        name: {host: real["ada"] if value == ("ada", ADA) else value for host, value in entries.items()}
        for name, entries in SECRETS.items()
    }
    for name, entries in known.items():
        monkeypatch.setitem(SECRETS, name, entries)
    await check(basic, (names, error, words), tmp_path)


async def test_what_everybody_may_have_is_given_to_nobody_by_an_anonymous_token(
    token: Guarded, tokens: TokenServer, tmp_path: Path
) -> None:
    tokens.grants = {**tokens.grants, "ada": ["team/*", "public/*"]}
    image = f"{token.registry.host}/public/app:1"
    push_bundle_blocking(tokens.folder / "bundle", image, Credentials("ada", ADA), Settings())
    adapter = OrasRegistry(Settings(cache_dir=tmp_path))
    try:
        assert (await adapter.pull(image, Access())).digest == token.digest
    finally:
        adapter.close()


async def test_a_tag_that_is_missing_says_from_whom_it_may_be_hidden(token: Guarded, tmp_path: Path) -> None:
    adapter = OrasRegistry(Settings(cache_dir=tmp_path))
    try:
        with pytest.raises(SourceNotFound) as caught:
            await adapter.pull(f"{token.registry.host}/team/app:2", await access_of(token, ["good"]))
    finally:
        adapter.close()
    assert "not found (404), or hidden from: user 'ada' of Secret demo/good" in caught.value.message


async def test_a_call_asks_for_one_token_and_the_right_password_is_found_once(
    token: Guarded, tokens: TokenServer, tmp_path: Path
) -> None:
    adapter = OrasRegistry(Settings(cache_dir=tmp_path))
    try:
        before = len(tokens.asked)
        await adapter.resolve(f"{token.registry.host}/team/app:1", await access_of(token, ["wrong", "good"]))
        assert tokens.asked[before:] == ["GET ada", "GET ada"]
    finally:
        adapter.close()
