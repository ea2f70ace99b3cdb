"""The bill of materials of a package, in CycloneDX 1.6."""

from __future__ import annotations

import hashlib
import json

from packhouse.authoring.images import Locked
from packhouse.authoring.sbom import bill
from packhouse.ports import Json

A, B = "a" * 64, "b" * 64
IMAGE = f"registry.example.com:5000/team/web@sha256:{A}"
SERVER = f"index.docker.io/library/nginx@sha256:{B}"
PACKAGE: Json = {
    "spec": {
        "publicName": "web.example.com",
        "version": "1.2.0",
        "shortDescription": "A server",
        "licenses": ["Apache-2.0"],
        "includedSoftware": [{"displayName": "nginx", "version": "1.25"}, {"displayName": "nginx", "version": "1.25"}],
    }
}
FILES = {"config/b.yml": b"b", "config/a.yml": b"a"}
LOCK = [Locked("nginx:1.25", SERVER, {}), Locked("nginx", SERVER, {})]


def test_it_names_the_package_its_images_what_it_includes_and_its_files() -> None:
    made = json.loads(bill(PACKAGE, IMAGE, FILES, LOCK))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    whole = made["metadata"]["component"]
    assert (whole["name"], whole["version"], whole["hashes"]) == (
        "web.example.com",
        "1.2.0",
        [{"alg": "SHA-256", "content": A}],
    )
    assert whole["purl"] == (f"pkg:oci/web@sha256%3A{A}?repository_url=registry.example.com%3A5000%2Fteam%2Fweb")
    assert whole["licenses"] == [{"license": {"name": "Apache-2.0"}}]
    parts = [(part["type"], part["name"]) for part in made["components"]]
    assert parts == [
        ("container", "docker.io/library/nginx"),
        ("application", "nginx"),
        ("file", "config/a.yml"),
        ("file", "config/b.yml"),
    ]
    assert made["components"][0]["purl"] == (f"pkg:oci/nginx@sha256%3A{B}?repository_url=docker.io%2Flibrary%2Fnginx")
    assert made["components"][2]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"a").hexdigest()}]
    [depends] = made["dependencies"]
    assert depends["dependsOn"] == [part["bom-ref"] for part in made["components"]]


def test_the_same_package_has_the_same_bill_and_another_version_another() -> None:
    first = bill(PACKAGE, IMAGE, FILES, LOCK)
    assert bill(PACKAGE, IMAGE, dict(reversed(FILES.items())), LOCK[::-1]) == first
    other = {"spec": {**PACKAGE["spec"], "version": "1.2.1"}}
    assert json.loads(bill(other, IMAGE, FILES, LOCK))["serialNumber"] != json.loads(first)["serialNumber"]
