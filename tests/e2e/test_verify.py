"""Signatures, end to end: what is not signed as a repository wants changes nothing, and says so.

Real: cosign makes every signature, with keys and with certificates of a Sigstore on loopback; the operator finds them
in the registry. Asserted: the state of the catalogue and of the cluster, and what the status says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.sigstore import LocalSigstore
from lab import OPERATOR_NAMESPACE, Json, Lab, config_map_template, inline, install, package, repository, wait_until
from signing import DEVELOPER, ISSUER, KeyPair, Signer, with_key, without_key

CONFIG = config_map_template("{{ install.name }}", "  version: '{{ package.version }}'\n")


@pytest.fixture(scope="module")
def signer(cosign: Path, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(cosign, tmp_path_factory.mktemp("cosign"))


@pytest.fixture(scope="module")
def key(signer: Signer) -> KeyPair:
    return signer.key_pair()


class Scene:
    """A repository, the Secret of its policy, and the word in all their names."""

    def __init__(self, lab: Lab, word: str) -> None:
        self.lab = lab
        self.word = word
        self.secret = f"{word}-trust"

    @property
    def package(self) -> str:
        return f"{self.word}.example.com"

    def trust(self, **data: str) -> None:
        """What the Secret holds from now on; two `_` stand for a dot."""
        self.lab.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": self.secret, "namespace": OPERATOR_NAMESPACE},
                "stringData": {name.replace("__", "."): text for name, text in data.items()},
            }
        )

    def catalogue(self, *documents: Json) -> str:
        """Published under a tag; its reference by digest."""
        files = {f"packages/{number}.yaml": _yaml(doc) for number, doc in enumerate(documents)}
        return self.lab.push(f"{self.word}/repo", files)

    def bundle(self, version: str) -> str:
        """Of the package, not signed."""
        return self.lab.push(f"{self.word}/app", {"web.yaml": CONFIG, "mark": version}, tag=version)

    def document(self, version: str, **app: Any) -> Json:
        return package(self.package, version, **app)

    def follow(self, verify: Json) -> None:
        image = f"{self.lab.registry_host}/{self.word}/repo:latest"
        self.lab.apply(repository(self.word, image, verify=verify))

    def install(self, namespace: str) -> None:
        self.lab.apply(install("web", namespace, self.package, constraint="*", syncPeriod="30s"))

    def refused(self, kind: str, name: str, namespace: str = "") -> str:
        """The message of the refusal."""
        found = self.lab.settled(kind, name, namespace, condition="ReconcileFailed", reason="SignatureInvalid")
        return str(found["status"]["usefulErrorMessage"])

    def versions(self) -> list[str]:
        """Of the package, in the catalogue."""
        found = [one["spec"] for one in self.lab.list("packages")]
        return sorted(spec["version"] for spec in found if spec["publicName"] == self.package)


def _yaml(document: Json) -> str:
    return str(yaml.safe_dump(document))


@pytest.fixture
def scene(lab: Lab, unique: str) -> Iterator[Scene]:
    made = Scene(lab, unique)
    yield made
    lab.delete("pkgr", unique, wait=False)
    lab.delete("secret", made.secret, OPERATOR_NAMESPACE, wait=False)


BY_KEY = "cosign__pub"


def by_key(scene: Scene) -> Json:
    return {"keys": [{"secretRef": {"name": scene.secret}}]}


def test_a_catalogue_that_is_not_signed_changes_nothing_and_arrives_once_it_is(
    scene: Scene, signer: Signer, key: KeyPair
) -> None:
    scene.trust(**{BY_KEY: key.pem})
    first = scene.catalogue(scene.document("1.0.0", fetch=inline({"web.yaml": CONFIG})))
    signer.sign(first, *with_key(key))
    scene.follow(by_key(scene))
    status = scene.lab.settled("pkgr", scene.word)["status"]
    (source,) = status["fetch"]["sources"]
    named = f"Secret {OPERATOR_NAMESPACE}/{scene.secret} key cosign.pub"
    assert (source["digest"], source["verifiedBy"]) == (first.partition("@")[2], f"key {named}")

    second = scene.catalogue(*(scene.document(one, fetch=inline({"web.yaml": CONFIG})) for one in ("1.0.0", "2.0.0")))
    scene.lab.poke("pkgr", scene.word)
    message = scene.refused("pkgr", scene.word)
    assert f"{second.partition('@')[2]}: PackageRepository {scene.word} wants a signature by key {named}" in message
    assert scene.versions() == ["1.0.0"]

    signer.sign(second, *with_key(key))
    scene.lab.settled("pkgr", scene.word)
    assert scene.versions() == ["1.0.0", "2.0.0"]


def test_the_policy_of_a_repository_counts_for_what_its_packages_are_fetched_from(
    scene: Scene, installer: str, signer: Signer, key: KeyPair
) -> None:
    scene.trust(**{BY_KEY: key.pem})
    good = scene.bundle("1.0.0")
    signer.sign(good, *with_key(key), bundle=False)
    signer.sign(scene.catalogue(scene.document("1.0.0", image=good)), *with_key(key))
    scene.follow(by_key(scene))
    scene.lab.settled("pkgr", scene.word)
    scene.install(installer)
    status = scene.lab.settled("ipkg", "web", installer)["status"]
    assert status["fetch"]["sources"][0]["verifiedBy"].endswith("key cosign.pub")

    bad = scene.bundle("2.0.0")
    documents = [scene.document("1.0.0", image=good), scene.document("2.0.0", image=bad)]
    signer.sign(scene.catalogue(*documents), *with_key(key))
    scene.lab.poke("pkgr", scene.word)
    message = scene.refused("ipkg", "web", installer)
    assert f"{bad.partition('@')[2]}: PackageRepository {scene.word} wants a signature" in message
    assert scene.lab.get("configmap", "web", installer)["data"] == {"version": "1.0.0"}  # type: ignore[index]

    signer.sign(bad, *with_key(key))
    scene.lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "2.0.0")
    assert scene.lab.get("configmap", "web", installer)["data"] == {"version": "2.0.0"}  # type: ignore[index]


def test_another_key_in_the_secret_wakes_the_repository_and_its_installs(
    scene: Scene, installer: str, signer: Signer, key: KeyPair
) -> None:
    scene.trust(**{BY_KEY: key.pem})
    image = scene.bundle("1.0.0")
    signer.sign(image, *with_key(key))
    signer.sign(scene.catalogue(scene.document("1.0.0", image=image)), *with_key(key))
    scene.follow(by_key(scene))
    scene.lab.settled("pkgr", scene.word)
    scene.install(installer)
    scene.lab.settled("ipkg", "web", installer)

    scene.trust(**{BY_KEY: signer.key_pair().pem})
    assert "it was made by another key" in scene.refused("pkgr", scene.word)
    assert "it was made by another key" in scene.refused("ipkg", "web", installer)
    assert scene.lab.get("configmap", "web", installer) is not None
    assert scene.versions() == ["1.0.0"]

    scene.trust(**{BY_KEY: key.pem})
    scene.lab.settled("pkgr", scene.word)
    scene.lab.settled("ipkg", "web", installer)


def test_an_identity_and_an_attestation_are_asked_for_without_keys(
    scene: Scene, sigstore: LocalSigstore, signer: Signer
) -> None:
    scene.trust(trusted_root__json=sigstore.trusted_root.read_text())
    image = scene.catalogue(scene.document("1.0.0", fetch=inline({"web.yaml": CONFIG})))
    signer.sign(image, *without_key(sigstore, "mallory@example.com"))
    scene.follow(
        {
            "keyless": [{"issuer": ISSUER, "subjectRegExp": "dev@example[.]com"}],
            "trustedRootSecretRef": {"name": scene.secret},
            "attestations": [{"predicateType": "spdx"}],
        }
    )
    message = scene.refused("pkgr", scene.word)
    assert f"its certificate is that of mallory@example.com (issuer {ISSUER})" in message
    assert "wants a signature and an attestation spdx by /dev@example[.]com/" in message
    assert scene.versions() == []

    signer.sign(image, *without_key(sigstore))
    wait_until("only the attestation is missing", lambda: "wants an attestation" in scene.refused("pkgr", scene.word))
    signer.attest(image, "spdxjson", '{"spdxVersion": "SPDX-2.3"}', *without_key(sigstore))
    status = scene.lab.settled("pkgr", scene.word)["status"]
    assert status["fetch"]["sources"][0]["verifiedBy"] == f"{DEVELOPER} (issuer {ISSUER})"
    assert scene.versions() == ["1.0.0"]


UNPINNED: list[Any] = [
    pytest.param(lambda: {"http": {"url": "https://web.invalid/a.tgz"}}, "give the file's sha256", id="http"),
    pytest.param(lambda: {"git": {"url": "https://git.invalid/a.git", "ref": "origin/main"}}, "commit", id="git"),
]


@pytest.mark.parametrize(("step", "lever"), UNPINNED)
def test_what_nobody_signs_must_be_pinned_by_the_signed_catalogue(
    step: Callable[[], Json], lever: str, scene: Scene, installer: str, signer: Signer, key: KeyPair
) -> None:
    scene.trust(**{BY_KEY: key.pem})
    signer.sign(scene.catalogue(scene.document("1.0.0", fetch=[step()])), *with_key(key))
    scene.follow(by_key(scene))
    scene.lab.settled("pkgr", scene.word)
    scene.install(installer)
    assert lever in scene.refused("ipkg", "web", installer)


def test_a_secret_that_is_missing_is_waited_for(scene: Scene, signer: Signer, key: KeyPair) -> None:
    signer.sign(scene.catalogue(scene.document("1.0.0", fetch=inline({"web.yaml": CONFIG}))), *with_key(key))
    scene.follow(by_key(scene))
    scene.lab.settled("pkgr", scene.word, condition="ReconcileFailed", reason="SecretMissing")
    scene.trust(**{BY_KEY: key.pem})
    scene.lab.settled("pkgr", scene.word, seconds=10)
    assert scene.versions() == ["1.0.0"]
