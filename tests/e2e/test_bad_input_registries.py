"""Registries that hang, break off, refuse or lie, and layers that are traps, each as a row.

In each row a PackageRepository and an install, both of which did well before, are led to the same hostile registry
(hostile_registry.py): both must say what it did, the catalogue must stay as it is, and what runs must keep running.
The operator that these tests share gives a registry 2 s between two reads and 6 s for a whole fetch.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from hostile_registry import (
    DOCKER_LAYER,
    OCI,
    USER,
    Endless,
    Hang,
    HostileRegistry,
    Image,
    Lie,
    LieInHead,
    RedirectLoop,
    Refuse,
    Reset,
    Trickle,
    Truncate,
    gzip_bomb,
    image_of,
)
from lab import OPERATOR_NAMESPACE, Lab, OperatorProcess, inline, install, package, repository, secret
from refusals import SECRET, Refusal, audit_position, footprint, no_secret_is_shown, offered, refused, written_since

MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ install.name }}\n"
MIB = 1024 * 1024
ONES = f"sha256:{'1' * 64}"


def tar(*entries: tuple[str, Mapping[str, Any]]) -> bytes:
    """A layer of entries as they would never be packed: a name, and fields of its header in the place of good ones."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, fields in (("packages/good.yaml", {}), *entries):
            info = tarfile.TarInfo(name)
            for header, value in fields.items():
                setattr(info, header, value)
            archive.addfile(info, io.BytesIO(b""))
    return gzip.compress(buffer.getvalue(), mtime=0)


def image(layer: bytes, **fields: Any) -> Image:
    """An image of one layer; `fields` replace those of its descriptor."""
    return image_of([(layer, {"mediaType": DOCKER_LAYER, **fields})])


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> dict[str, Any]:
    return {"type": kind, "linkname": target}


@dataclass(frozen=True, slots=True)
class Row:
    """`content`: None is a good bundle. `holds`: what the Secret holds that both name, None where they name none."""

    sentence: str
    refusal: Refusal
    does: Any = None
    at: str = ""
    content: Image | None = None
    auth: str = ""
    holds: Mapping[str, str] | None = field(default=None, repr=False)
    reference: str = "demo/bundle:1.0.0"


WRONG = {"username": USER, "password": SECRET}
MANNERS = (
    Row("it never answers", Refusal("SourceUnreachable", ["$host", "sent nothing for 2 s"]), Hang(), "manifest"),
    Row("it never sends a layer", Refusal("SourceUnreachable", ["$host", "sent nothing for 2 s"]), Hang(), "blob"),
    Row(
        "it stops after a layer's headers",
        Refusal("SourceUnreachable", ["$host", "sent nothing for 2 s"]),
        Hang(after_headers=True),
        "blob",
    ),
    Row(
        "it sends a byte now and then",
        Refusal("SourceUnreachable", ["$host", "not done within 6 s", "PACKHOUSE_FETCH_TIMEOUT_SECONDS"]),
        Trickle(),
        "blob",
    ),
    Row("it breaks off in a layer", Refusal("SourceUnreachable", ["$host", "broke off"]), Truncate(), "blob"),
    Row(
        "it closes without an answer",
        Refusal("SourceUnreachable", ["$host", "connection failed"]),
        Reset(),
        "manifest",
    ),
    Row("it redirects in circles", Refusal("FetchFailed", ["$host", "redirected"]), RedirectLoop(), "blob"),
    Row(
        "it leads to another host without TLS",
        Refusal("FetchFailed", ["http://registry.example.com", "PACKHOUSE_PLAIN_HTTP_HOSTS"]),
        Refuse(307, {"Location": f"http://registry.example.com/?signature={SECRET}"}),
        "blob",
    ),
    Row("it sends a layer without an end", Refusal("DigestMismatch", ["longer than"]), Endless(), "blob"),
)

STATUSES = (
    Row(
        "it has no such image",
        Refusal("SourceNotFound", ["$host", "not found (404)", "no credentials"]),
        Refuse(404),
        "manifest",
    ),
    Row("it has lost a layer", Refusal("SourceNotFound", ["$host", "404"]), Refuse(404), "blob"),
    Row("it fails with 500", Refusal("SourceUnreachable", ["$host", "500"]), Refuse(500), "manifest"),
    Row(
        "it has had too many requests",
        Refusal("RateLimited", ["$host", "429"]),
        Refuse(429, {"Retry-After": "60"}),
        "manifest",
    ),
    Row(
        "it wants credentials and gets none",
        Refusal("AuthenticationFailed", ["$host", "401", "no credentials", "secretRef"]),
        auth="basic",
    ),
    Row(
        "it refuses the credentials",
        Refusal("AuthenticationFailed", ["$host", "401", f"'{USER}'", "Secret $secrets/$word"]),
        auth="basic",
        holds=WRONG,
    ),
    Row(
        "it gives no token for the credentials",
        Refusal("AuthenticationFailed", ["$host", "401", f"'{USER}'", "Secret $secrets/$word"]),
        auth="token",
        holds=WRONG,
    ),
    Row(
        "the credentials are for another host",
        Refusal("AuthenticationFailed", ["$host", "401", "Secret $secrets/$word", "other.example.com only"]),
        auth="basic",
        holds={
            "_dockerconfigjson": f'{{"auths": {{"other.example.com": {{"username": "ada", "password": "{SECRET}"}}}}}}'
        },
    ),
    Row(
        "it forbids access",
        Refusal("AuthenticationFailed", ["$host", "403", "Secret $secrets/$word"]),
        Refuse(403),
        "manifest",
        holds=WRONG,
    ),
)

LIES = (
    Row("a manifest is not what its digest says", Refusal("DigestMismatch", ["$host", "manifest"]), Lie(), "manifest"),
    Row("a layer is not what its digest says", Refusal("DigestMismatch", ["$host", "blob sha256:"]), Lie(), "blob"),
    Row(
        "a layer is longer than it should be",
        Refusal("DigestMismatch", ["$host", "longer than"]),
        Lie(longer=True),
        "blob",
    ),
    Row(
        "the tag stands for a digest that is not there",
        Refusal("SourceNotFound", ["$host", "404"]),
        LieInHead(),
        "manifest",
    ),
    Row(
        "the digest in the reference is answered with another",
        Refusal("DigestMismatch", ["$host", f"@{ONES}", "answered with sha256:000"]),
        LieInHead(),
        "manifest",
        content=Image(ONES, {ONES: (OCI, b"{}")}, {}),
        reference=f"demo/bundle@{ONES}",
    ),
)

LIMIT = "FetchLimitExceeded"
LAYERS = (
    Row("a path climbs out", Refusal(LIMIT, ["../escaped", "climbs out"]), content=image(tar(("../escaped", {})))),
    Row("a path is absolute", Refusal(LIMIT, ["/etc/escaped", "absolute"]), content=image(tar(("/etc/escaped", {})))),
    Row("a link leaves the root", Refusal(LIMIT, ["'out'", "leaves"]), content=image(tar(("out", link("../../etc"))))),
    Row(
        "a link is absolute",
        Refusal(LIMIT, ["'out'", "absolute"]),
        content=image(tar(("out", link("/etc/passwd")))),
    ),
    Row(
        "a file is written through a link",
        Refusal(LIMIT, ["'in/escaped'", "through the link"]),
        content=image(tar(("in", link("packages")), ("in/escaped", {}))),
    ),
    Row(
        "a hard link names a file outside",
        Refusal(LIMIT, ["'out'", "no file of this image"]),
        content=image(tar(("out", link("etc/passwd", tarfile.LNKTYPE)))),
    ),
    Row(
        "it holds a device",
        Refusal(LIMIT, ["'null'", "device"]),
        content=image(tar(("null", {"type": tarfile.CHRTYPE}))),
    ),
    Row(
        "it is a gzip bomb",
        Refusal(LIMIT, [f"{64 * MIB}", "PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES"]),
        content=image(gzip_bomb(66 * MIB)),
    ),
    Row(
        "it says that it is larger than allowed",
        Refusal(LIMIT, ["PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES"]),
        content=image(tar(), size=300 * MIB),
    ),
    Row("it is cut off", Refusal("FetchFailed", ["no readable tar"]), content=image(tar()[:-20])),
    Row("it is no tar", Refusal("FetchFailed", ["no readable tar"]), content=image(b"not a layer")),
    Row(
        "it has an unknown media type",
        Refusal("FetchFailed", ["text/plain", "tar+gzip"]),
        content=image(tar(), mediaType="text/plain"),
    ),
)

ROWS = (*MANNERS, *STATUSES, *LIES, *LAYERS)


@pytest.fixture
def word(lab: Lab, installer: str, unique: str) -> Iterator[str]:
    """The word of a repository that has brought a Package, and of an install `web` that runs 1.0.0 of another."""
    offer = package(f"{unique}.example.com", "1.0.0", fetch=inline({"web.yaml": MANIFEST}))
    lab.apply(
        repository(unique, lab.publish(f"{unique}/repo", [offer])),
        package(f"{unique}.example.org", "1.0.0", fetch=inline({"web.yaml": MANIFEST})),
        install("web", installer, f"{unique}.example.org", constraint="*", noopDelete=True),
    )
    lab.settled("pkgr", unique)
    lab.settled("ipkg", "web", installer)
    yield unique
    lab.delete("ipkg", "web", installer, wait=False)
    lab.delete("pkgr", unique, wait=False)
    lab.delete("secret", unique, OPERATOR_NAMESPACE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_a_registry_is_named_and_nothing_changes_when(
    row: Row, lab: Lab, operator: OperatorProcess, installer: str, word: str
) -> None:
    packages, objects, position = offered(lab, word), footprint(lab, "web", installer), audit_position(lab)
    assert len(packages) == len(objects) == 1
    content = row.content or {"packages/web.yaml": MANIFEST.encode(), "word": word.encode()}
    with HostileRegistry(content, does=row.does, at=row.at, auth=row.auth) as registry:
        bundle = {"image": f"{registry.host}/{row.reference}"}
        if row.holds is not None:
            bundle |= {"secretRef": {"name": word}}
            lab.apply(*(secret(namespace, word, **row.holds) for namespace in (OPERATOR_NAMESPACE, installer)))

        lab.patch("pkgr", word, {"spec": {"fetch": {"imgpkgBundle": bundle}}})
        lab.apply(package(f"{word}.example.org", "2.0.0", fetch=[{"imgpkgBundle": bundle}]))
        words = {"word": word, "host": registry.host}
        offering = refused(lab, row.refusal, "pkgr", word, **words, secrets=OPERATOR_NAMESPACE)
        running = refused(lab, row.refusal, "ipkg", "web", installer, **words, secrets=installer)

    assert offered(lab, word) == packages
    assert footprint(lab, "web", installer) == objects
    assert written_since(lab, position, installer) == []
    assert running["status"]["version"] == "1.0.0"
    assert [entry["uid"] for entry in running["status"]["inventory"]] == [uid for uid, _ in objects.values()]
    assert "error" in offering["status"]["fetch"]
    assert "error" in running["status"]["fetch"]
    no_secret_is_shown(lab, operator, offering, running, namespace=installer)
    no_secret_is_shown(lab, operator, offering, running, namespace="default")
