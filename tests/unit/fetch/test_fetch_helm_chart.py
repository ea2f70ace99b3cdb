"""The step helmChart: from registries and from chart repositories, whose index only says where a digest lies.

Faked: registry and web. tests/unit/fetch/test_fetch_real_sources.py has real ones, and the real helm.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fakes_registry import FakeRegistry
from fakes_sources import FakeDownloads, FakeSignatures, NoGit
from packhouse.api.errors import (
    AuthenticationFailed,
    DigestMismatch,
    FetchFailed,
    InvalidConstraint,
    InvalidSpec,
    NoMatchingVersion,
    PackhouseError,
    SignatureInvalid,
    SourceNotFound,
    SourceUnreachable,
)
from packhouse.fetch import Fetched, Origins, Resolution, Sources, fetch_all, resolve_all
from packhouse.fetch.remembered import Remembered
from packhouse.ports import Json, TrustPolicy

WEB, OTHER = "https://charts.test/stable", "https://files.test"
REPOSITORY = "registry.test/charts"


def chart(version: str) -> dict[str, str]:
    return {"web/Chart.yaml": f"name: web\nversion: {version}\n", "web/templates/a.yaml": version}


def archive(version: str) -> bytes:
    return json.dumps(chart(version)).encode()


def entry(version: str, *urls: str, digest: bool = True) -> Json:
    found: Json = {"version": version, "urls": list(urls)}
    return found | ({"digest": hashlib.sha256(archive(version)).hexdigest()} if digest else {})


INDEX = [
    entry("1.0.0", "charts/web-1.0.0.tgz"),
    entry("1.1.0", f"{OTHER}/web-1.1.0.tgz"),
    entry("1.2.0", "charts/web-1.2.0.tgz", digest=False),
    entry("1.3.0-rc.1", "/root/web.tgz?token=hush"),
    entry("2.0.0", f"oci://{REPOSITORY}/web:2.0.0"),
    entry("3.0.0", "file:///etc/passwd"),
    entry("3.1.0-layout", "oci://oci-layout:///bundles/web.tar"),
]
FILES = {
    f"{WEB}/index.yaml": json.dumps({"entries": {"web": INDEX, "none": []}}).encode(),
    f"{WEB}/charts/web-1.0.0.tgz": archive("1.0.0"),
    f"{OTHER}/web-1.1.0.tgz": archive("1.1.0"),
    f"{WEB}/charts/web-1.2.0.tgz": archive("1.2.0"),
    "https://charts.test/root/web.tgz?token=hush": archive("1.3.0-rc.1"),
}
TAGS = ("1.0.0", "1.1.0", "2.0.0", "2.1.0_build.3", "3.0.0-rc.1", "latest")


def secret() -> Json:
    return {
        "data": {key: base64.b64encode(word).decode() for key, word in (("username", b"ada"), ("password", b"right"))}
    }


@dataclass(slots=True)
class Lab:
    registry: FakeRegistry
    web: FakeDownloads
    sources: Sources

    async def fetch(self, **stanza: Any) -> Fetched:
        steps = [step(**stanza)]
        return await fetch_all(steps, self.sources, await resolve_all(steps, self.sources))


def step(url: str = WEB, *, secret_name: str = "", name: str = "web", **more: Any) -> Json:
    repository: Json = {"url": url} | ({"secretRef": {"name": secret_name}} if secret_name else {})
    return {"helmChart": {"name": name, "repository": repository, **more}}


def lab_in(folder: Path, policy: TrustPolicy | None = None) -> Lab:
    images = {f"{REPOSITORY}/web:{tag}": {path: text.encode() for path, text in chart(tag).items()} for tag in TAGS}
    registry, web = FakeRegistry(folder / "trees", images), FakeDownloads(folder / "files", dict(FILES))

    async def read(name: str) -> Json:
        return secret()

    origins = Origins(registry, web, NoGit(), FakeSignatures(), Remembered(folder / "answers"))
    return Lab(registry, web, Sources(origins, read, read, "demo", 10_000, policy=lambda _: policy))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return lab_in(tmp_path)


@pytest.mark.parametrize(
    ("stanza", "version", "source"),
    [
        pytest.param({"version": "1.0.0"}, "1.0.0", f"{WEB}/charts/web-1.0.0.tgz", id="beside the index"),
        pytest.param({"version": "~1.1"}, "1.1.0", f"{OTHER}/web-1.1.0.tgz", id="on another host"),
        pytest.param({"version": "1.x"}, "1.2.0", f"{WEB}/charts/web-1.2.0.tgz", id="without a digest"),
        pytest.param(
            {"version": "1.3.0-rc.1"}, "1.3.0-rc.1", "https://charts.test/root/web.tgz", id="by a path of the host"
        ),
        pytest.param(
            {"version": "2.0.0"}, "2.0.0", f"oci://{REPOSITORY}/web:2.0.0@", id="an index that names a registry"
        ),
        pytest.param({"url": f"{WEB}/", "version": "1.0.0"}, "1.0.0", f"{WEB}/charts/web-1.0.0.tgz", id="a slash more"),
        pytest.param(
            {"url": f"oci://{REPOSITORY}", "version": "1.0.0"},
            "1.0.0",
            f"oci://{REPOSITORY}/web:1.0.0@",
            id="a registry",
        ),
        pytest.param(
            {"url": f"oci://{REPOSITORY}/", "version": "1"}, "1.1.0", f"oci://{REPOSITORY}/web:1.1.0@", id="a range"
        ),
        pytest.param(
            {"url": f"oci://{REPOSITORY}"}, "2.1.0+build.3", f"oci://{REPOSITORY}/web:2.1.0_build.3@", id="the newest"
        ),
        pytest.param(
            {"url": f"oci://{REPOSITORY}", "version": "2.1.0+build.3"},
            "2.1.0+build.3",
            f"oci://{REPOSITORY}/web:2.1.0_build.3@",
            id="a version with its build",
        ),
    ],
)
async def test_the_content_of_a_chart_lands_without_the_folder_around_it(
    stanza: Json, version: str, source: str, lab: Lab
) -> None:
    fetched = await lab.fetch(**stanza)
    assert (await fetched.files())["templates/a.yaml"].decode() == version.replace("+", "_")
    assert fetched.version == version
    (part,) = (await resolve_all([step(**stanza)], lab.sources)).to_wire()
    assert part["source"].startswith(source)
    assert "hush" not in str(part)


async def test_a_whole_version_asks_no_registry_for_its_tags(lab: Lab) -> None:
    await resolve_all([step(f"oci://{REPOSITORY}", version="1.0.0")], lab.sources)
    assert lab.registry.asked == [f"{REPOSITORY}/web:1.0.0"]


async def test_a_digest_in_the_index_decides_and_is_verified(lab: Lab) -> None:
    await resolve_all([step(version="1.0.0")], lab.sources)
    assert [url for url, _ in lab.web.asked] == [f"{WEB}/index.yaml"]  # nothing is downloaded to tell
    lab.web.files[f"{WEB}/charts/web-1.0.0.tgz"] = archive("6.6.6")
    with pytest.raises(DigestMismatch):
        await lab.fetch(version="1.0.0")


async def test_the_secret_goes_to_the_host_of_the_repository_alone(lab: Lab) -> None:
    lab.web.passwords = {"charts.test": "right"}
    with pytest.raises(AuthenticationFailed):
        await lab.fetch(version="1.0.0")
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        await lab.fetch(version=version, secret_name="s")
    assert {(url.split("/")[2], user) for url, user in lab.web.asked[1:]} == {
        ("charts.test", "ada"),
        ("files.test", ""),
    }
    lab.registry.passwords = {"ada": "right"}
    with pytest.raises(AuthenticationFailed):  # named by the index, not by the step
        await lab.fetch(version="2.0.0", secret_name="s")
    assert (await lab.fetch(url=f"oci://{REPOSITORY}", version="2.0.0", secret_name="s")).version == "2.0.0"


async def test_what_was_installed_is_fetched_again_without_the_index(lab: Lab, tmp_path: Path) -> None:
    steps = [step(version="1.1.0")]
    resolution = await resolve_all(steps, lab.sources)
    await fetch_all(steps, lab.sources, resolution)
    recorded = Resolution.from_wire(resolution.to_wire(), steps)
    assert recorded is not None
    again = lab_in(tmp_path)
    again.web.away = True
    with pytest.raises(SourceUnreachable):
        await resolve_all(steps, again.sources)
    found = await fetch_all(steps, again.sources, recorded)
    assert (await found.files())["templates/a.yaml"] == b"1.1.0"


async def test_a_recorded_address_is_not_trusted(lab: Lab) -> None:
    steps = [step(version="1.0.0")]
    wire = (await resolve_all(steps, lab.sources)).to_wire()
    evil = json.dumps({"web/Chart.yaml": "evil"}).encode()
    lab.web.files["https://evil.test/web.tgz"] = evil
    wire[0] |= {"source": "https://evil.test/web.tgz", "digest": f"sha256:{hashlib.sha256(evil).hexdigest()}"}
    recorded = Resolution.from_wire(wire, steps)
    assert recorded is not None
    with pytest.raises(DigestMismatch):
        await fetch_all(steps, lab.sources, recorded)
    assert not [url for url, _ in lab.web.asked if "evil" in url]


@pytest.mark.parametrize(
    ("stanza", "error", "words"),
    [
        pytest.param(
            {"version": "9.0.0"}, NoMatchingVersion, f"chart web of {WEB}: no chart version of 7", id="no version"
        ),
        pytest.param({"version": "a b"}, InvalidConstraint, "chart web of", id="no constraint"),
        pytest.param({"version": "3.0.0"}, FetchFailed, "address of web 3.0.0 cannot be read", id="a file as address"),
        pytest.param({"version": "3.1.0-layout"}, FetchFailed, "names no registry", id="a layout as address"),
        pytest.param({"url": "oci://oci-layout:///bundles"}, FetchFailed, "names no registry", id="a layout"),
        pytest.param({"name": "other"}, SourceNotFound, f"{WEB} has no chart other", id="no chart"),
        pytest.param({"name": "none"}, SourceNotFound, "has no chart none", id="a chart without versions"),
        pytest.param({"url": "https://x.test?token=hush"}, SourceNotFound, r"404", id="no index"),
        pytest.param(
            {"url": f"oci://{REPOSITORY}", "version": ">9"}, NoMatchingVersion, "chart web of oci://", id="no tag"
        ),
        pytest.param({"url": f"oci://{REPOSITORY}", "version": "9.0.0"}, SourceNotFound, "404", id="no such tag"),
        pytest.param({"name": "../x"}, InvalidSpec, "is no name of a chart", id="a name that leads out"),
        pytest.param({"name": ""}, InvalidSpec, "name must be a text", id="no name"),
        pytest.param({"version": 1}, InvalidSpec, "version must be a text", id="a number as version"),
        pytest.param({"url": ""}, InvalidSpec, "url must be a text", id="no url"),
        pytest.param({"url": "file:///x"}, InvalidSpec, "must begin with https://", id="a file"),
        pytest.param({"url": "https://"}, InvalidSpec, "and a host", id="no host"),
        pytest.param({"url": "https://[x"}, InvalidSpec, "cannot be read as an address", id="a broken address"),
        pytest.param({"url": "https://ada:hush@x.test"}, InvalidSpec, "into a Secret", id="a password in the address"),
        pytest.param({"devel": True}, PackhouseError, "devel is not supported", id="an unknown field"),
    ],
)
async def test_a_chart_that_cannot_be_had_says_why(
    stanza: Json, error: type[PackhouseError], words: str, lab: Lab
) -> None:
    with pytest.raises(error, match=words) as caught:
        await lab.fetch(**stanza)
    assert "hush" not in caught.value.message.replace("?token=hush: there", "")  # the fake's own words


async def test_without_a_repository_there_is_no_chart(lab: Lab) -> None:
    with pytest.raises(InvalidSpec, match="repository must be a map"):
        await resolve_all([{"helmChart": {"name": "web"}}], lab.sources)


@pytest.mark.parametrize("files", [{"README.md": "x"}, {"a/Chart.yaml": "x", "b/Chart.yaml": "x"}, {"Chart.yaml": "x"}])
async def test_an_archive_that_is_no_chart_is_refused(files: dict[str, str], lab: Lab) -> None:
    lab.web.files[f"{WEB}/charts/web-1.2.0.tgz"] = json.dumps(files).encode()
    with pytest.raises(FetchFailed, match=r"folders with a Chart\.yaml: expected one"):
        await lab.fetch(version="1.2.0")


async def test_where_signatures_are_wanted_a_chart_comes_from_a_registry(tmp_path: Path) -> None:
    policy = TrustPolicy("PackageRepository team")
    lab = lab_in(tmp_path, policy)
    with pytest.raises(SignatureInvalid, match=r"PackageRepository team wants signed content.*oci://"):
        await lab.fetch(version="1.0.0")
    url = f"oci://{REPOSITORY}"
    with pytest.raises(SignatureInvalid):
        await lab.fetch(url=url, version="1.0.0")
    digest = (await resolve_all([step(url, version="1.0.0")], lab_in(tmp_path).sources)).digest
    signatures = FakeSignatures({f"{REPOSITORY}/web@{digest}": "a key"})
    lab.sources = replace(lab.sources, origins=replace(lab.sources.origins, signatures=signatures))
    (part,) = (await resolve_all([step(url, version="1.0.0")], lab.sources)).to_wire()
    assert part["verifiedBy"] == "a key"
    assert (await lab.fetch(url=url, version="1.0.0")).version == "1.0.0"
