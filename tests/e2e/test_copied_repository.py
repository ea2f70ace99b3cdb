"""A catalogue that was copied with all that it needs is installed from the copy, its first registry out of reach.

Real: two registries, `packhouse bundle copy`, the operator, kbld. A door stands before the first registry (lab_door.py)
and is shut after the copy: whoever still asked for it would fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from typer.testing import CliRunner

from bundle_app import app as bundle_app
from cluster.registry import LocalRegistry, open_registry
from lab import Json, Lab, install, package, repository
from lab_door import Door, door_to
from packhouse.domain.images_lock import LOCK_FILE

TEMPLATE: list[Json] = [{"jinja2": {"paths": ["web.yaml"]}}, {"kbld": {"paths": ["-", LOCK_FILE]}}]


@pytest.fixture
def origin(lab: Lab) -> Iterator[tuple[Lab, Door]]:
    """A registry of its own behind a door, and the laboratory that pushes there."""
    with open_registry() as far, door_to(far.host) as door:
        yield Lab(lab.cluster, door.host), door


def lock(**images: str) -> str:
    """`images`: the name that templates use -> where the image lies."""
    entries = [{"image": at, "annotations": {"kbld.carvel.dev/id": name}} for name, at in images.items()]
    return yaml.safe_dump({"apiVersion": "imgpkg.carvel.dev/v1alpha1", "kind": "ImagesLock", "images": entries})


def deployment(name: str) -> str:
    containers = [{"name": "app", "image": "app"}]
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": pod}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


def test_a_copied_catalogue_needs_its_first_registry_no_more(
    lab: Lab, origin: tuple[Lab, Door], registry: LocalRegistry, installer: str, unique: str
) -> None:
    far, door = origin
    app = far.push(f"{unique}/app", {"app": unique})
    bundle = far.push(f"{unique}/web", {"web.yaml": deployment(unique), LOCK_FILE: lock(app=app)})
    documents = yaml.safe_dump(package(f"{unique}.example.com", "1.0.0", bundle, template=TEMPLATE), sort_keys=False)
    far.push(f"{unique}/catalogue", {"packages/web.yaml": documents, LOCK_FILE: lock(bundle=bundle)}, tag="1.0.0")
    copy = f"{registry.host}/{unique}/copy"
    copied = CliRunner().invoke(bundle_app, ["copy", f"{door.host}/{unique}/catalogue:1.0.0", f"{copy}:1.0.0"])
    assert copied.exit_code == 0, copied.output
    door.shut()

    lab.apply(repository(unique, f"{copy}:1.0.0"))
    lab.settled("packagerepository", unique)
    found = lab.get("package", f"{unique}.example.com.1.0.0")
    assert found is not None
    (step,) = found["spec"]["template"]["spec"]["fetch"]
    assert step["imgpkgBundle"]["image"] == f"{copy}@{bundle.partition('@')[2]}"

    lab.apply(install(unique, installer, f"{unique}.example.com", version="1.0.0"))
    done = lab.settled("installedpackage", unique, installer)
    live = lab.get("deployment", unique, installer)
    assert live is not None
    (container,) = live["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{copy}@{app.partition('@')[2]}"
    (source,) = done["status"]["fetch"]["sources"]
    assert source["source"] == f"{copy}@{bundle.partition('@')[2]}"
