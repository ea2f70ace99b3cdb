"""The adapter against a real registry (the distribution project's), and the contract that the fake passes, too."""

from __future__ import annotations

import hashlib
import socket
import ssl
import stat
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cluster.registry import LocalRegistry
from fakes_registry import FakeRegistry
from hostile_registry import HostileRegistry, Image, bundle, image_of, index_of, tar
from packhouse.adapters.oras_push import push_bundle
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import (
    AuthenticationFailed,
    FetchFailed,
    InvalidSpec,
    SourceNotFound,
    SourceUnreachable,
    TlsFailed,
)
from packhouse.ports import Access, Credentials, Registry
from packhouse.settings import Settings

FILES = {"packages/a.yml": b"a: 1\n", ".imgpkg/images.yml": b"kind: ImagesLock\n"}
PLATFORMS = [("linux", "amd64"), ("linux", "arm64"), ("unknown", "unknown")]
LINUX, ARM, NONE = ({"os": system, "architecture": cpu} for system, cpu in PLATFORMS)


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[OrasRegistry]:
    opened = OrasRegistry(Settings(cache_dir=tmp_path / "cache"))
    yield opened
    opened.close()


def put(registry: LocalRegistry, repository: str, tag: str, image: Image) -> str:
    """Push raw bytes by plain HTTP, so that no code of ours decides what the registry holds."""

    def send(method: str, url: str, body: bytes = b"", media_type: str = "application/octet-stream") -> Any:
        request = urllib.request.Request(url, body, {"Content-Type": media_type}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers

    root = f"http://{registry.host}/v2/{repository}"
    for digest, content in image.blobs.items():
        place = send("POST", f"{root}/blobs/uploads/")["Location"]
        send("PUT", f"{place}&digest={digest}", content)
    for digest, (media_type, body) in sorted(image.manifests.items(), key=lambda pair: pair[0] == image.digest):
        send("PUT", f"{root}/manifests/{tag if digest == image.digest else digest}", body, media_type)
    return f"{registry.host}/{repository}:{tag}"


def read(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("oci", [False, True], ids=["docker", "oci"])
async def test_a_bundle_of_either_form_is_pulled_with_all_its_files(
    oci: bool, registry: LocalRegistry, adapter: OrasRegistry
) -> None:
    image = bundle(FILES, oci=oci)
    name = put(registry, f"forms/{oci}".lower(), "1.2.0", image)
    tree = await adapter.pull(name, Access())
    assert (tree.digest, tree.version, read(tree.root)) == (image.digest, "1.2.0", FILES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tree.root.rglob("*.yml")} == {0o444}


@pytest.mark.parametrize(
    "entries",
    [
        [("good", None)],
        [("bad", ARM), ("good", LINUX)],
        [("good", ARM), ("bad", NONE)],
    ],
    ids=["the only one", "linux/amd64 of two", "the only one besides an attestation"],
)
async def test_an_index_leads_to_one_image_and_keeps_its_own_digest(
    entries: list[tuple[str, dict[str, str] | None]], registry: LocalRegistry, adapter: OrasRegistry
) -> None:
    contents = {"good": bundle(FILES, oci=True), "bad": bundle({"bad": b""}, oci=True)}
    index = index_of([(contents[word], platform) for word, platform in entries])
    name = put(registry, f"index/n{len(entries)}{entries[0][0]}", "1", index)
    tree = await adapter.pull(name, Access())
    assert (tree.digest, read(tree.root)) == (index.digest, FILES)


async def test_layers_lie_over_each_other_and_titled_ones_are_plain_files(
    registry: LocalRegistry, adapter: OrasRegistry
) -> None:
    title = "org.opencontainers.image.title"
    layers: list[tuple[bytes, dict[str, Any]]] = [
        (tar({"a": b"old", "b": b"kept"}), {"mediaType": "application/vnd.oci.image.layer.v1.tar"}),
        (tar({"a": b"new", ".wh.b": b""}), {"mediaType": "application/vnd.oci.image.layer.v1.tar"}),
        (b"plain", {"mediaType": "text/plain", "annotations": {title: "notes/c.txt"}}),
    ]
    tree = await adapter.pull(put(registry, "layers/x", "1", image_of(layers)), Access())
    assert read(tree.root) == {"a": b"new", "notes/c.txt": b"plain"}


async def test_a_moved_tag_gives_the_new_tree_and_the_old_digest_still_the_old_one(
    registry: LocalRegistry, adapter: OrasRegistry
) -> None:
    name = put(registry, "moving/x", "latest", bundle({"a": b"1"}))
    first = await adapter.pull(name.removesuffix(":latest"), Access())
    put(registry, "moving/x", "latest", bundle({"a": b"2"}))
    second = await adapter.pull(name, Access())
    old = await adapter.pull(f"{name}@{first.digest}", Access())
    assert [read(tree.root)["a"] for tree in (first, second, old)] == [b"1", b"2", b"1"]
    assert (first.version, old.root) == ("latest", first.root)


async def test_a_known_digest_is_not_downloaded_again_by_the_next_process(
    registry: LocalRegistry, adapter: OrasRegistry, tmp_path: Path
) -> None:
    name = put(registry, "again/x", "1", bundle(FILES))
    first = await adapter.pull(name, Access())
    before = registry.log.read_text().count('"GET ')
    restarted = OrasRegistry(Settings(cache_dir=tmp_path / "cache"))
    try:
        assert (await restarted.pull(name, Access())).root == first.root
    finally:
        restarted.close()
    assert registry.log.read_text().count('"GET ') == before


async def test_a_tree_damaged_on_the_disk_is_fetched_anew(registry: LocalRegistry, adapter: OrasRegistry) -> None:
    name = put(registry, "damaged/x", "1", bundle(FILES))
    tree = await adapter.pull(name, Access())
    (tree.root / "packages/a.yml").unlink()
    assert read((await adapter.pull(name, Access())).root) == FILES


async def test_a_registry_with_passwords_lets_the_right_one_in(
    auth_registry: LocalRegistry, adapter: OrasRegistry, tmp_path: Path
) -> None:
    assert auth_registry.username and auth_registry.password
    good = Credentials(auth_registry.username, auth_registry.password, "Secret demo/regcred")
    (tmp_path / "bundle/packages").mkdir(parents=True)
    (tmp_path / "bundle/packages/a.yml").write_text("a: 1\n")
    image = f"{auth_registry.host}/team/x:1"
    digest = await push_bundle(tmp_path / "bundle", image, good, Settings())
    assert (await adapter.pull(image, Access((good,)))).digest == digest
    with pytest.raises(AuthenticationFailed, match="no credentials were given"):
        await adapter.resolve(image, Access())
    with pytest.raises(AuthenticationFailed, match="Secret demo/old"):
        await adapter.resolve(image, Access((Credentials(good.username, "wrong", "Secret demo/old"),)))


async def test_nobody_listening_is_said_in_the_words_of_the_system(adapter: OrasRegistry) -> None:
    with pytest.raises(SourceUnreachable, match=r"the connection failed \(Connection refused\)"):
        await adapter.resolve("127.0.0.1:1/x/y:1", Access())


async def test_a_cache_folder_that_cannot_be_used_names_the_setting(registry: LocalRegistry, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    adapter = OrasRegistry(Settings(cache_dir=tmp_path / "file"))
    with pytest.raises(FetchFailed, match="PACKHOUSE_CACHE_DIR"):
        await adapter.pull(put(registry, "nocache/x", "1", bundle(FILES)), Access())
    adapter.close()


async def test_a_missing_authority_file_names_the_setting(tmp_path: Path) -> None:
    adapter = OrasRegistry(Settings(cache_dir=tmp_path, registry_ca_file=str(tmp_path / "none.pem")))
    with pytest.raises(FetchFailed, match="PACKHOUSE_REGISTRY_CA_FILE"):
        await adapter.resolve("registry.invalid/x/y:1", Access())
    adapter.close()


# ---- TLS -------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """`registry.test:port` on TLS with an authority of its own, and that authority's file."""
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=registry.test"
    extension = ["-addext", "subjectAltName=DNS:registry.test", "-keyout", str(key), "-out", str(pem)]
    subprocess.run([*made.split(), *extension], check=True, capture_output=True, timeout=30)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(b'x').hexdigest()}")
            self.end_headers()

    class Quiet(HTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    known = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: known("127.0.0.1" if host == "registry.test" else host, *rest, **more),
    )
    yield f"registry.test:{server.server_port}", pem
    server.shutdown()
    thread.join(5)
    server.server_close()


async def test_tls_of_an_unknown_authority_is_refused_and_with_its_file_taken(
    secure: tuple[str, Path], tmp_path: Path
) -> None:
    host, pem = secure
    strict = OrasRegistry(Settings(cache_dir=tmp_path))
    with pytest.raises(TlsFailed, match="its certificate was not accepted: self-signed certificate"):
        await strict.resolve(f"{host}/x/y:1", Access())
    strict.close()
    trusting = OrasRegistry(Settings(cache_dir=tmp_path, registry_ca_file=str(pem)))
    assert (await trusting.resolve(f"{host}/x/y:1", Access())).startswith("sha256:")
    trusting.close()


async def test_plain_http_is_spoken_to_a_named_host_and_not_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: known("127.0.0.1", *rest, **more))
    with HostileRegistry(FILES) as server:
        host = f"plain.test:{server.host.rpartition(':')[2]}"
        named = OrasRegistry(Settings(cache_dir=tmp_path, plain_http_hosts=(host,)))
        assert await named.resolve(f"{host}/x/y:1", Access()) == server.digest
        named.close()
        asked = len(server.requests)
        other = OrasRegistry(Settings(cache_dir=tmp_path))
        with pytest.raises(TlsFailed, match=r"wrong version number .*PACKHOUSE_PLAIN_HTTP_HOSTS"):
            await other.resolve(f"{host}/x/y:1", Access())
        other.close()
        assert len(server.requests) == asked


# ---- the contract of the port ----------------------------------------------------------------------------

Made = tuple[Registry, str]
Maker = Callable[[Mapping[str, bytes]], Made]


@pytest.fixture(params=["real", "fake"])
def made(request: pytest.FixtureRequest, registry: LocalRegistry, adapter: OrasRegistry, tmp_path: Path) -> Maker:
    """(the port, an image that it has) for given files."""

    def real(files: Mapping[str, bytes]) -> Made:
        return adapter, put(registry, "contract/x", "1.0", bundle(files))

    def fake(files: Mapping[str, bytes]) -> Made:
        return FakeRegistry(tmp_path, {"registry.test/contract/x:1.0": files}), "registry.test/contract/x:1.0"

    return real if request.param == "real" else fake


async def test_contract_what_resolve_says_is_what_pull_gives(made: Maker) -> None:
    port, image = made(FILES)
    tree = await port.pull(image, Access())
    assert (tree.digest, tree.version, read(tree.root)) == (await port.resolve(image, Access()), "1.0", FILES)


async def test_contract_a_reference_by_digest_gives_the_same_tree_without_a_version(made: Maker) -> None:
    port, image = made(FILES)
    digest = await port.resolve(image, Access())
    tree = await port.pull(f"{image.rpartition(':')[0]}@{digest}", Access())
    assert (tree.digest, tree.version, read(tree.root)) == (digest, None, FILES)


async def test_contract_other_content_has_another_digest(made: Maker) -> None:
    port, image = made(FILES)
    first = await port.resolve(image, Access())
    port, image = made({"other": b""})
    assert await port.resolve(image, Access()) != first


async def test_contract_what_is_not_there_is_a_failed_fetch(made: Maker) -> None:
    port, image = made(FILES)
    with pytest.raises((FetchFailed, SourceNotFound), match="404"):
        await port.pull(f"{image}-missing", Access())


async def test_contract_what_is_no_reference_is_an_invalid_spec(made: Maker) -> None:
    port, _ = made(FILES)
    with pytest.raises(InvalidSpec):
        await port.resolve("https://x/y", Access())
