"""Signs images with the real cosign, and makes bundles to sign. For tests of signatures.

Nothing is faked: keys are cosign's own or real ones that it imports, certificates come from cluster/sigstore.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import subprocess
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.registry import LocalRegistry
from cluster.sigstore import LocalSigstore

SECONDS = 60
ISSUER = "https://issuer.example.com"
DEVELOPER = "dev@example.com"
#: The fixtures of both kinds of registry, for parametrize.
REGISTRIES = [pytest.param("registry", id="without referrers"), pytest.param("referrers_registry", id="with referrers")]


@dataclass(frozen=True, slots=True)
class KeyPair:
    private: Path
    public: Path

    @property
    def pem(self) -> str:
        return self.public.read_text()


@dataclass(frozen=True, slots=True)
class Signer:
    """cosign, with a folder for its files."""

    program: Path
    folder: Path

    def key_pair(self, pem: bytes | None = None) -> KeyPair:
        """A new one; `pem` is a private key that is to be taken over."""
        name = self.folder / f"k{secrets.token_hex(4)}"
        if pem is None:
            self._run("generate-key-pair", "--output-key-prefix", str(name))
        else:
            given = name.with_suffix(".pem")
            given.write_bytes(pem)
            self._run("import-key-pair", "--key", str(given), "--output-key-prefix", str(name))
        return KeyPair(name.with_suffix(".key"), name.with_suffix(".pub"))

    def sign(self, image: str, *by: str, bundle: bool = True) -> None:
        """`by`: `with_key` or `without_key`. `bundle`: the new format, else the layout of tags."""
        self._run("sign", *_how(bundle), *by, image)

    def attest(self, image: str, kind: str, predicate: str, *by: str, bundle: bool = True) -> None:
        """`kind`: a predicate type as cosign's --type."""
        file = self.folder / f"{secrets.token_hex(4)}.json"
        file.write_text(predicate)
        self._run("attest", *_how(bundle), "--type", kind, "--predicate", str(file), *by, image)

    def verify(self, image: str, key: KeyPair) -> None:
        """cosign's own word on what somebody else signed; the newest signature is no matter of a log."""
        self._run("verify", "--allow-http-registry", "--insecure-ignore-tlog", "--key", str(key.public), image)

    def attach(self, image: str, payload: bytes, signature: bytes) -> None:
        """A signature that something else made, in the layout of tags."""
        names = [self.folder / f"{secrets.token_hex(4)}.{kind}" for kind in ("payload", "signature")]
        for name, content in zip(names, (payload, base64.b64encode(signature)), strict=True):
            name.write_bytes(content)
        files = ("--payload", str(names[0]), "--signature", str(names[1]))
        self._run("attach", "signature", "--allow-http-registry", *files, image)

    def _run(self, *arguments: str) -> None:
        environ = {**os.environ, "COSIGN_PASSWORD": "", "HOME": str(self.folder)}
        done = subprocess.run(
            [self.program, *arguments], cwd=self.folder, env=environ, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _how(bundle: bool) -> tuple[str, ...]:
    return ("--yes", "--allow-http-registry", f"--new-bundle-format={'true' if bundle else 'false'}")


def with_key(key: KeyPair) -> tuple[str, ...]:
    """No log is told, so none must be there."""
    return ("--key", str(key.private), "--tlog-upload=false", "--use-signing-config=false")


def without_key(
    sigstore: LocalSigstore,
    subject: str = DEVELOPER,
    *,
    issuer: str = ISSUER,
    log: int = 1,
    bundle: bool = True,
    **wrong: bool,
) -> tuple[str, ...]:
    """`log`: the version of the transparency log's API. The layout of tags knows the first only."""
    token = f"--identity-token={sigstore.token(subject, issuer, **wrong)}"
    if bundle:
        return (token, f"--signing-config={sigstore.signing_config(log)}", f"--trusted-root={sigstore.trusted_root}")
    return (token, "--use-signing-config=false", f"--fulcio-url={sigstore.url}", f"--rekor-url={sigstore.url}")


def push(oras: Path, registry: LocalRegistry, folder: Path, content: str = "hello") -> str:
    """A small artifact in a repository of its own; its reference by digest."""
    name = f"{registry.host}/signed/{secrets.token_hex(4)}"
    (folder / "packages.yml").write_text(content)
    done = subprocess.run(
        [oras, "push", "--plain-http", "--format", "go-template={{.digest}}", f"{name}:1", "packages.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return f"{name}@{done.stdout.strip()}"


# ---- what an attacker who may push can do ----------------------------------------------------------------

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def signature_tag(image: str, suffix: str = "sig") -> str:
    """host/path:sha256-<hex>.sig"""
    repository, _, digest = image.partition("@")
    return f"{repository}:{digest.replace(':', '-')}.{suffix}"


def read_manifest(image: str) -> Any:
    """By tag or digest."""
    with _request("GET", _url(image, "manifests"), headers={"Accept": MANIFEST}) as answer:
        return json.load(answer)


def write_manifest(image: str, manifest: Any) -> None:
    """Under the tag of `image`."""
    headers = {"Content-Type": manifest["mediaType"]}
    _request("PUT", _url(image, "manifests"), json.dumps(manifest).encode(), headers).close()


def read_blob(image: str, digest: str) -> bytes:
    with _request("GET", _url(f"{image.partition('@')[0]}@{digest}", "blobs")) as answer:
        return bytes(answer.read())


def write_blob(image: str, content: bytes) -> dict[str, Any]:
    """Into the repository of `image`; the fields that a manifest names it by."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    repository = image.partition("@")[0]
    with _request("POST", _url(f"{repository}@", "blobs").removesuffix("/") + "/uploads/") as answer:
        place = urllib.parse.urljoin(answer.url, answer.headers["Location"])
    sign = "&" if "?" in place else "?"
    _request("PUT", f"{place}{sign}digest={digest}", content, {"Content-Type": "application/octet-stream"}).close()
    return {"digest": digest, "size": len(content)}


def _url(image: str, what: str) -> str:
    host, _, rest = image.partition("/")
    path, at, digest = rest.partition("@")
    name, _, tag = path.partition(":")
    return f"http://{host}/v2/{name}/{what}/{digest if at else tag}"


def _request(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, body or None, headers or {}, method=method), timeout=10)
