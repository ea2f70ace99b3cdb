"""Real registries on TLS: whose certificates are taken, and which reason is given for those that are not."""

from __future__ import annotations

import datetime
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certificates import DAY, Authority, ServerFiles
from cluster.registry import open_registry
from hostile_registry import HostileRegistry, Refuse
from packhouse.adapters.authorities import trust
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import FetchFailed, PackhouseError, SourceNotFound, TlsFailed
from packhouse.ports import Access
from packhouse.settings import Settings

HOUR = datetime.timedelta(hours=1)
FILES = {"a": b"1"}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name that ends with .test is this machine: for an address of loopback plain http would be spoken."""
    known = socket.getaddrinfo

    def found(host: Any, *rest: Any, **more: Any) -> Any:
        return known("127.0.0.1" if str(host).endswith(".test") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "another authority")


@pytest.fixture(scope="module")
def secure(authority: Authority) -> Iterator[Callable[[str], int]]:
    """The port of a registry with the certificate that a word stands for; each is started once."""
    made: dict[str, ServerFiles] = {
        "good": authority.server("good.test"),
        "expired": authority.server("expired.test", -DAY, -HOUR),
        "not yet": authority.server("early.test", HOUR, DAY),
    }
    running: dict[str, Any] = {}

    def port(word: str) -> int:
        if word not in running:
            files = made[word]
            context = open_registry(tls=(files.certificate, files.key))
            running[word] = (context, context.__enter__())
        return int(running[word][1].host.rpartition(":")[2])

    yield port
    for context, _ in running.values():
        context.__exit__(None, None, None)


#: certificate, name that is asked for, who is trusted; the error and what it says.
ROWS: dict[str, tuple[str, str, str, type[PackhouseError], str]] = {
    "an own authority by the settings": ("good", "good.test", "settings", SourceNotFound, "404"),
    "an own authority by the repository": ("good", "good.test", "access", SourceNotFound, "404"),
    "an own authority beside that of the settings": ("good", "good.test", "both", SourceNotFound, "404"),
    "an unknown authority": ("good", "good.test", "", TlsFailed, "self-signed certificate in certificate chain"),
    "another authority": ("good", "good.test", "stranger", TlsFailed, "self-signed certificate in certificate chain"),
    "a certificate that has expired": ("expired", "expired.test", "access", TlsFailed, "certificate has expired"),
    "a certificate that is not valid yet": (
        "not yet",
        "early.test",
        "access",
        TlsFailed,
        "certificate is not yet valid",
    ),
    "a certificate of another name": (
        "good",
        "other.test",
        "access",
        TlsFailed,
        "Hostname mismatch, certificate is not valid for 'other.test'",
    ),
}


@pytest.mark.parametrize("row", ROWS)
async def test_a_certificate_is_taken_or_refused_for_its_reason(
    row: str, secure: Callable[[str], int], authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    certificate, name, trusted, error, words = ROWS[row]
    settings = Settings(cache_dir=tmp_path)
    if trusted in ("settings", "both"):
        settings = replace(settings, registry_ca_file=str((authority if trusted == "settings" else stranger).file))
    pem = {"access": authority.pem, "both": authority.pem, "stranger": stranger.pem}.get(trusted, "")
    caught = await refusal(settings, f"{name}:{secure(certificate)}", Access(ca_pem=pem))
    assert (type(caught), words in caught.message) == (error, True), caught.message
    if error is TlsFailed:
        assert "PACKHOUSE_REGISTRY_CA_FILE, or certSecretRef" in caught.message


async def refusal(settings: Settings, host: str, access: Access) -> PackhouseError:
    adapter = OrasRegistry(settings, jitter=lambda: 0.0)
    try:
        with pytest.raises(PackhouseError) as caught:
            await adapter.pull(f"{host}/x/y:1", access)
    finally:
        adapter.close()
    assert caught.value.message.startswith(f"{host}/x/y:1: registry {host}: ")
    return caught.value


async def test_a_server_without_tls_is_told_from_a_bad_certificate_and_the_setting_is_named(tmp_path: Path) -> None:
    with HostileRegistry(FILES) as server:
        host = f"plain.test:{server.host.rpartition(':')[2]}"
        caught = await refusal(Settings(cache_dir=tmp_path), host, Access())
        assert server.requests == []
    assert type(caught) is TlsFailed
    assert "wrong version number" in caught.message
    assert "PACKHOUSE_PLAIN_HTTP_HOSTS" in caught.message


async def test_a_server_with_tls_is_not_reached_by_plain_http(secure: Callable[[str], int], tmp_path: Path) -> None:
    host = f"good.test:{secure('good')}"
    caught = await refusal(Settings(cache_dir=tmp_path, plain_http_hosts=(host,)), host, Access())
    assert (type(caught), "with 400 to plain http; it may speak TLS alone" in caught.message) == (FetchFailed, True)


async def test_what_begins_with_tls_never_leads_to_plain_http(tmp_path: Path, authority: Authority) -> None:
    target = Refuse(307, {"Location": "http://127.0.0.1:1/blob?signature=s3cret"})
    with HostileRegistry(FILES, does=target, at="manifest", tls=authority.server("good.test")) as server:
        host = f"good.test:{server.host.rpartition(':')[2]}"
        caught = await refusal(Settings(cache_dir=tmp_path), host, Access(ca_pem=authority.pem))
    assert "it leads to http://127.0.0.1, and plain http is spoken only with" in caught.message
    assert "s3cret" not in caught.message


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        ("no certificate", "no PEM with certificates"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no PEM"),
    ],
    ids=["no pem", "a broken one"],
)
async def test_authorities_that_cannot_be_read_are_said_before_anything_is_asked(
    pem: str, words: str, tmp_path: Path
) -> None:
    adapter = OrasRegistry(Settings(cache_dir=tmp_path))
    with pytest.raises(FetchFailed, match=words):
        await adapter.resolve("registry.test/x/y:1", Access(ca_pem=pem))
    adapter.close()


def test_the_well_known_authorities_stay_beside_own_ones(authority: Authority) -> None:
    alone, more = trust("", ""), trust(str(authority.file), authority.pem)
    known = alone.cert_store_stats()["x509_ca"]
    assert (known > 50, more.cert_store_stats()["x509_ca"]) == (True, known + 1)


def test_a_changed_file_of_authorities_is_read_again(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(authority.pem)
    first = trust(str(file), "")
    assert trust(str(file), "") is first
    file.write_text(authority.pem + stranger.pem)
    assert trust(str(file), "").cert_store_stats()["x509_ca"] == first.cert_store_stats()["x509_ca"] + 1
