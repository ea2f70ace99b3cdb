"""The one way out: which hosts and addresses may be reached, and through which proxy. Real sockets on loopback."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from hostile_registry import HostileRegistry, Refuse
from http_proxy import HttpProxy
from packhouse.adapters.addresses import check_name, forbidden
from packhouse.adapters.network import Network
from packhouse.adapters.network_errors import MayPass
from packhouse.api.errors import FetchFailed, HostRefused, NameUnresolved, PackhouseError, SourceUnreachable
from packhouse.ports import Access, Proxy
from packhouse.settings import Settings

FILES = {"a": b"1"}
SETTINGS = Settings(registry_timeout_seconds=2.0, fetch_timeout_seconds=5.0)


# ---- addresses -------------------------------------------------------------------------------------------

FORBIDDEN = [
    "169.254.169.254",
    "169.254.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "::",
    "fe80::1",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1:fffe::a9fe:a9fe",
    "::ffff:0:169.254.169.254",
    "2002:a9fe:a9fe::1",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_no_source_has_is_refused(address: str) -> None:
    assert forbidden(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "1.1.1.1", "2606:4700::1111"]
)
def test_loopback_private_and_public_addresses_are_fine(address: str) -> None:
    assert not forbidden(ipaddress.ip_address(address))


NAMES: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "any host": ("files.example", (), None),
    "a metadata name": ("metadata.google.internal", (), "tells the machines of a cloud"),
    "a metadata name with dot, port and capitals": ("Metadata.Google.Internal.:80", (), "tells the machines"),
    "a literal": ("169.254.169.254:80", (), "169.254.169.254 is a link-local"),
    "a literal of six": ("[fe80::1]:443", (), "fe80::1 is a link-local"),
    "one number": ("2852039166", (), "2852039166 resolves to 169.254.169.254"),
    "hexadecimal": ("0xa9.0xfe.0xa9.0xfe", (), "resolves to 169.254.169.254"),
    "octal": ("0251.0376.0251.0376", (), "resolves to 169.254.169.254"),
    "an allowed one": ("ghcr.io", ("ghcr.io",), None),
    "one by a star": ("a.b.example", ("*.example",), None),
    "one with its port": ("host:5000", ("host:5000",), None),
    "one of another port": ("host:5001", ("host:5000",), "none of the hosts that may be fetched from"),
    "one that ends alike": ("evilghcr.io", ("ghcr.io",), "none of the hosts that may be fetched from"),
    "one that begins alike": ("ghcr.io.evil", ("ghcr.io",), "PACKHOUSE_FETCH_HOSTS"),
    "a literal that a star allows": ("169.254.169.254", ("*",), "link-local"),
}


@pytest.mark.parametrize("row", NAMES)
def test_a_host_is_judged_by_its_name(row: str) -> None:
    host, allowed, words = NAMES[row]
    if words is None:
        check_name(host, allowed)
        return
    with pytest.raises(HostRefused) as caught:
        check_name(host, allowed)
    assert words in caught.value.message


# ---- connecting ------------------------------------------------------------------------------------------


class Resolver:
    """Gives each name its addresses, one answer after the other; the last one stays."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self._answers = answers
        self._known = socket.getaddrinfo
        self.asked: list[str] = []

    def __call__(self, host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        answers = self._answers.get(str(host))
        if answers is None:
            return self._known(host, port, *rest, **more)
        self.asked.append(str(host))
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for one in addresses for found in self._known(one, port, 0, socket.SOCK_STREAM)]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[list[str]]]]:
    answers: dict[str, list[list[str]]] = {}
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(answers))
    yield answers


def get(url: str, settings: Settings = SETTINGS, access: Access | None = None, plain: bool = True) -> bytes:
    """The body; errors as the last of several attempts would give them."""
    call = Network("it", "host there", url, access or Access(), settings, plain=(lambda _: True) if plain else None)
    with call:
        try:
            with call.answer("GET", url) as response:
                return call.whole(response, 1_000_000, "it")
        except MayPass as passing:
            raise passing.error from passing


def at(server: HostileRegistry, name: str, path: str = "/v2/demo/bundle/manifests/1") -> str:
    return f"http://{name}:{server.host.rpartition(':')[2]}{path}"


def test_a_name_that_leads_to_metadata_is_refused_at_the_moment_of_connecting(resolver: dict[str, Any]) -> None:
    resolver["innocent.test"] = [["169.254.169.254"]]
    with pytest.raises(HostRefused, match=r"it: innocent\.test resolves to 169\.254\.169\.254, a link-local"):
        get("http://innocent.test/latest/meta-data")


def test_of_several_addresses_only_those_that_are_allowed_are_tried(resolver: dict[str, Any]) -> None:
    resolver["mixed.test"] = [["169.254.169.254", "127.0.0.1"]]
    with HostileRegistry(FILES) as server:
        assert b"schemaVersion" in get(at(server, "mixed.test"))


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    resolver: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver["rebinding.test"] = [["127.0.0.1"], ["169.254.169.254"]]
    with HostileRegistry(FILES) as server:
        get(at(server, "rebinding.test"))  # one look-up, one connection
        with pytest.raises(HostRefused):
            get(at(server, "rebinding.test"))  # the next connection has a look-up of its own, and is checked too


@pytest.mark.parametrize(
    "place",
    ["http://169.254.169.254/x", "http://2852039166/x", "http://[::ffff:a9fe:a9fe]/x", "http://trap.test/x"],
    ids=["literal", "one number", "wrapped", "by its name"],
)
def test_a_redirect_is_judged_as_the_first_request_is(place: str, resolver: dict[str, Any]) -> None:
    resolver["trap.test"] = [["169.254.169.254"]]
    redirect = Refuse(302, {"Location": place})
    with HostileRegistry(FILES, does=redirect, at="manifest") as server, pytest.raises(HostRefused):
        get(at(server, "127.0.0.1"))


def test_an_address_that_two_readers_read_in_two_ways_is_refused() -> None:
    settings = replace(SETTINGS, fetch_hosts=("good.test",))
    call = Network("it", "host there", "https://good.test", Access(), settings)
    with call, pytest.raises(FetchFailed, match="cannot be read"):  # urllib3 would connect to evil.test
        call._admit("https://evil.test\\@good.test/")


def test_a_bare_socket_is_judged_too(resolver: dict[str, Any]) -> None:
    resolver["trap.test"] = [["fe80::1"]]
    with Network("it", "host there", "ssh://x", Access(), SETTINGS) as call:
        with pytest.raises(HostRefused):
            call.connect("trap.test", 22)
        with pytest.raises(HostRefused, match="it: metadata tells"):
            call.connect("metadata", 22)
        with HostileRegistry(FILES) as server:
            call.connect("127.0.0.1", int(server.host.rpartition(":")[2])).close()


def test_only_hosts_that_the_settings_allow_are_asked_redirects_included() -> None:
    allowed = replace(SETTINGS, fetch_hosts=("127.0.0.1",))
    with HostileRegistry(FILES, does=Refuse(302, {"Location": "http://localhost/x"}), at="manifest") as server:
        with pytest.raises(HostRefused, match="localhost is none of the hosts that may be fetched from"):
            get(at(server, "127.0.0.1"), allowed)
        with pytest.raises(HostRefused, match="PACKHOUSE_FETCH_HOSTS"):
            get(at(server, "localhost"), allowed)
        assert len(server.requests) == 1


FAILURES: dict[str, tuple[str, type[PackhouseError], str]] = {
    "a name that does not exist": ("http://nothing.invalid/x", NameUnresolved, "its host name does not resolve"),
    "nobody listens": ("http://127.0.0.1:1/x", SourceUnreachable, "the connection failed (Connection refused)"),
    "an address that cannot be read": ("http://127.0.0.1:99999999/x", FetchFailed, "cannot be"),
    "plain http elsewhere": ("http://files.example/x", FetchFailed, "PACKHOUSE_PLAIN_HTTP_HOSTS"),
}


@pytest.mark.parametrize("row", FAILURES)
def test_a_failure_has_the_reason_of_its_cause(row: str) -> None:
    url, error, words = FAILURES[row]
    with pytest.raises(PackhouseError) as caught:
        get(url, plain="example" not in url)
    assert (type(caught.value), words in caught.value.message) == (error, True), caught.value.message


# ---- proxies ---------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[HostileRegistry]:
    with HostileRegistry(FILES) as opened:
        yield opened


@pytest.fixture
def proxy(server: HostileRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpProxy]:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with HttpProxy(int(server.host.rpartition(":")[2])) as opened:
        yield opened


PATH = "/v2/demo/bundle/manifests/1"


def test_the_proxy_of_the_repository_goes_before_that_of_the_settings_and_that_before_the_environment(
    proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:1"
    url = f"http://only-the-proxy-knows.test{PATH}"
    monkeypatch.setenv("HTTP_PROXY", nowhere)
    get(url, replace(SETTINGS, fetch_proxy=nowhere), Access(proxy=Proxy(proxy.url)))
    get(url, replace(SETTINGS, fetch_proxy=proxy.url))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    get(url)
    assert proxy.asked == [f"GET {url}"] * 3


def test_no_proxy_counts_for_the_settings_and_the_environment_but_not_for_the_repository(
    proxy: HttpProxy, server: HostileRegistry, resolver: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver["inside.test"] = [["127.0.0.1"]]
    url = at(server, "inside.test")
    monkeypatch.setenv("NO_PROXY", "inside.test")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    get(url)
    get(url, replace(SETTINGS, fetch_proxy=proxy.url))
    assert proxy.asked == []
    get(url, access=Access(proxy=Proxy(proxy.url)))
    assert len(proxy.asked) == 1


def test_this_machine_is_reached_without_a_proxy(proxy: HttpProxy, server: HostileRegistry) -> None:
    get(at(server, "127.0.0.1"), replace(SETTINGS, fetch_proxy=proxy.url), Access(proxy=Proxy(proxy.url)))
    assert proxy.asked == []


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.google.internal", "2852039166"])
def test_a_proxy_is_never_asked_for_metadata(host: str, proxy: HttpProxy) -> None:
    with pytest.raises(HostRefused):
        get(f"http://{host}/x", access=Access(proxy=Proxy(proxy.url)))
    assert proxy.asked == []


def test_tls_goes_through_a_proxy_and_the_certificate_of_the_host_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    password = "p@ss:w/rd"
    with (
        HostileRegistry(FILES, tls=authority.server("far.test")) as server,
        HttpProxy(int(server.host.rpartition(":")[2]), password) as proxy,
    ):
        known = Access(ca_pem=authority.pem, proxy=Proxy(proxy.url, "ada", password))
        assert b"schemaVersion" in get(f"https://far.test{PATH}", access=known)
        with pytest.raises(PackhouseError, match="Hostname mismatch"):
            get(f"https://near.test{PATH}", access=known)
        with pytest.raises(SourceUnreachable, match="the proxy on the way to it did not connect") as caught:
            get(f"https://far.test{PATH}", access=replace(known, proxy=Proxy(proxy.url, "ada", "s3cret")))
        assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("proxy_url", "words"),
    [("ftp://x:1", "the proxy of this source"), ("http://:s3cret@", "the proxy of this source")],
)
def test_a_proxy_that_is_none_is_said_and_not_shown(proxy_url: str, words: str) -> None:
    with pytest.raises(FetchFailed, match=words) as caught:
        get("http://far.test/x", access=Access(proxy=Proxy(proxy_url)))
    assert "s3cret" not in caught.value.message
    with pytest.raises(FetchFailed, match="PACKHOUSE_FETCH_PROXY is no http"):
        get("http://far.test/x", replace(SETTINGS, fetch_proxy=proxy_url))


def test_a_call_is_ended_from_another_thread_at_once() -> None:
    from threading import Timer

    from hostile_registry import Hang

    with HostileRegistry(FILES, does=Hang(), at="manifest") as server:
        url = at(server, "127.0.0.1")
        call = Network("it", "host there", url, Access(), replace(SETTINGS, registry_timeout_seconds=60.0))
        timer = Timer(0.2, call.abort)
        timer.start()
        with call, pytest.raises(SourceUnreachable, match="was not done within"), call.answer("GET", url):
            pass
        timer.join()
