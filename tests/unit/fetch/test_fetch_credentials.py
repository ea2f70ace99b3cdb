"""Reading the credentials of Secrets, and picking those for a repository."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from packhouse.api.errors import AuthenticationFailed
from packhouse.fetch.credentials import Keyring
from packhouse.ports import Credentials

SOURCE = "Secret demo/regcred"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def docker_config(auths: Any) -> dict[str, Any]:
    return {"data": {".dockerconfigjson": encoded(json.dumps({"auths": auths}))}}


def user(name: str) -> dict[str, str]:
    return {"username": name, "password": "p"}


@pytest.mark.parametrize(
    "secret",
    [
        docker_config({"ghcr.io": {"auth": encoded("ada:p:q")}}),
        docker_config({"ghcr.io": {"username": "ada", "password": "p:q"}}),
        {"data": {".dockercfg": encoded(json.dumps({"ghcr.io": {"auth": encoded("ada:p:q")}}))}},
        {"data": {"username": encoded("ada"), "password": encoded("p:q")}},
    ],
    ids=["auth", "fields", "legacy", "plain"],
)
def test_every_form_of_a_secret_gives_user_and_password(secret: dict[str, Any]) -> None:
    assert Keyring.read(secret, SOURCE).match("ghcr.io/team/app") == Credentials("ada", "p:q", SOURCE)


MATCHES = {
    "the host": (["ghcr.io"], "ghcr.io/app", "ghcr.io"),
    "the longest path": (["ghcr.io", "ghcr.io/team", "ghcr.io/team/app"], "ghcr.io/team/app", "ghcr.io/team/app"),
    "a path by whole parts": (["ghcr.io/tea"], "ghcr.io/team/app", None),
    "another host": (["ghcr.io"], "quay.io/app", None),
    "a host that begins alike": (["ghcr.io"], "ghcr.io.evil.com/app", None),
    "the port": (["host:5000"], "host:5000/app", "host:5000"),
    "another port": (["host:5000"], "host:5001/app", None),
    "Docker Hub by its old name": (
        ["https://index.docker.io/v1/"],
        "docker.io/library/nginx",
        "https://index.docker.io/v1/",
    ),
    "a URL": (["https://ghcr.io/v2/"], "ghcr.io/app", "https://ghcr.io/v2/"),
    "a star for one label": (["*.azurecr.io"], "team.azurecr.io/app", "*.azurecr.io"),
    "a star for two labels": (["*.azurecr.io"], "a.team.azurecr.io/app", None),
    "the plain name before a star": (["*.azurecr.io", "team.azurecr.io"], "team.azurecr.io/app", "team.azurecr.io"),
}


@pytest.mark.parametrize("row", MATCHES)
def test_credentials_are_picked_by_host_and_longest_path(row: str) -> None:
    servers, repository, expected = MATCHES[row]
    found = Keyring.read(docker_config({server: user(server) for server in servers}), SOURCE).match(repository)
    assert (found.username if found else None) == expected


def test_an_entry_without_a_user_is_left_out() -> None:
    keyring = Keyring.read(docker_config({"ghcr.io": {"identitytoken": ""}, "quay.io": {}}), SOURCE)
    assert (keyring.match("ghcr.io/app"), keyring.hosts) == (None, "no host")


TOKENS = {
    "an identity token": ({"identitytoken": "t"}, Credentials("<token>", "", SOURCE, "t")),
    "an identity token with a user": (
        {"auth": encoded("ada:"), "identitytoken": "t"},
        Credentials("ada", "", SOURCE, "t"),
    ),
    "a registry token": ({"registrytoken": "t"}, Credentials("", "", SOURCE, "t")),
    "a registry token beside a user": (
        {"auth": encoded("ada:p"), "registrytoken": "t"},
        Credentials("", "", SOURCE, "t"),
    ),
}


@pytest.mark.parametrize("row", TOKENS)
def test_a_token_stands_in_the_place_of_a_password(row: str) -> None:
    fields, expected = TOKENS[row]
    assert Keyring.read(docker_config({"ghcr.io": fields}), SOURCE).match("ghcr.io/app") == expected


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"data": {"token": encoded("t")}}, "holds no registry credentials"),
    ({}, "holds no registry credentials"),
    ({"data": {".dockerconfigjson": "%%"}}, "key .dockerconfigjson: not base64"),
    ({"data": {".dockerconfigjson": encoded("{s3cret")}}, "is not JSON"),
    ({"data": {".dockerconfigjson": encoded("[]")}}, "no map of hosts"),
    (docker_config(["s3cret"]), "no map of hosts"),
    (docker_config({"ghcr.io": "s3cret"}), "entry ghcr.io: expected a map"),
    (docker_config({"ghcr.io": {"auth": "s3cret%"}}), "auth is not base64"),
    (docker_config({"ghcr.io": {"identitytoken": "s3cret\r\nHost: x"}}), "identitytoken is no token"),
    (docker_config({"ghcr.io": {"registrytoken": ["s3cret"]}}), "registrytoken is no token"),
]


@pytest.mark.parametrize(("secret", "words"), BROKEN)
def test_a_broken_secret_is_named_with_the_place_and_nothing_of_its_content(secret: dict[str, Any], words: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        Keyring.read(secret, SOURCE)
    assert caught.value.message.startswith(SOURCE)
    assert words in caught.value.message
    assert "s3cret" not in caught.value.message


def test_a_password_is_not_in_the_representation() -> None:
    keyring = Keyring.read(docker_config({"ghcr.io": {"username": "u", "password": "s3cret"}}), SOURCE)
    assert "s3cret" not in repr(keyring)
