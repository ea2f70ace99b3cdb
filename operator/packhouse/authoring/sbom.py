"""Writes the bill of materials of a package: its files by digest, the images that it runs, what it says it includes.

CycloneDX 1.6 as JSON. There is no time and no chance in it, so the same bundle of the same version has the same bill.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from packhouse import __version__
from packhouse.authoring.images import Locked
from packhouse.domain.references import read_reference
from packhouse.ports import Json

MEDIA_TYPE: Final = "application/vnd.cyclonedx+json"

_SPEC_VERSION: Final = "1.6"


def bill(package: Json, image: str, files: Mapping[str, bytes], lock: Sequence[Locked]) -> bytes:
    """`image`: the package's bundle by digest; `files`: what is in it."""
    spec = package["spec"]
    name, version = spec["publicName"], spec["version"]
    parts = [
        *map(_container, sorted({one.image for one in lock})),  # one with several names is one
        *{part["bom-ref"]: part for part in map(_included, spec.get("includedSoftware") or ())}.values(),
        *(_file(path, files[path]) for path in sorted(files)),
    ]
    whole = _without_nothing(
        {
            "type": "application",
            "bom-ref": f"{name}@{version}",
            "name": name,
            "version": version,
            "description": spec.get("shortDescription"),
            "hashes": _hashes(image.rpartition(":")[2]),
            "licenses": [{"license": {"name": one}} for one in spec.get("licenses") or ()],
            "purl": _purl(image),
        }
    )
    tool = {"type": "application", "name": "packhouse", "version": __version__}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": _SPEC_VERSION,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"{name}@{version} {image}").urn,
        "version": 1,
        "metadata": {"tools": {"components": [tool]}, "component": whole},
        "components": parts,
        "dependencies": [{"ref": whole["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _container(image: str) -> Json:
    reference = read_reference(image)
    assert reference.digest is not None  # noqa: S101 - a lock names digests
    return {
        "type": "container",
        "bom-ref": image,
        "name": reference.repository,
        "version": reference.digest,
        "hashes": _hashes(reference.digest.partition(":")[2]),
        "purl": _purl(image),
    }


def _included(software: Json) -> Json:
    name, version = software.get("displayName") or "unnamed", software.get("version")
    return _without_nothing(
        {
            "type": "application",
            "bom-ref": f"included:{name}@{version or ''}",
            "name": name,
            "version": version,
            "description": software.get("description"),
        }
    )


def _file(path: str, content: bytes) -> Json:
    return {
        "type": "file",
        "bom-ref": f"file:{path}",
        "name": path,
        "hashes": _hashes(hashlib.sha256(content).hexdigest()),
    }


def _hashes(sha256: str) -> list[Json]:
    return [{"alg": "SHA-256", "content": sha256}]


def _purl(image: str) -> str:
    """https://github.com/package-url/purl-spec, type oci."""
    reference = read_reference(image)
    name = reference.path.rpartition("/")[2]
    return (
        f"pkg:oci/{name}@{quote(str(reference.digest), safe='')}?repository_url={quote(reference.repository, safe='')}"
    )


def _without_nothing(entry: dict[str, Any]) -> Json:
    return {key: value for key, value in entry.items() if value not in (None, "", [])}
