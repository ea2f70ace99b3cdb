"""The mirrors of the settings reach the fetch steps of installs and repositories: whose credentials fit, that is.

Faked: the cluster, the registry. Asserted: what the registry was given.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from house import House, config_map, install, package, states
from packhouse.ports import Json

IMAGE = "registry.test/web:1"


def login(name: str, namespace: str, host: str) -> Json:
    config = json.dumps({"auths": {host: {"username": "reader", "password": "a-password"}}})
    meta = {"name": name, "namespace": namespace}
    data = {".dockerconfigjson": base64.b64encode(config.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}


async def test_an_entry_for_the_mirror_is_taken_for_what_is_read_from_it(tmp_path: Path) -> None:
    town = House(tmp_path, registry_mirrors=("registry.test=mirror.test/copies",))
    town.registry.images[IMAGE] = {"web.yaml": config_map("web", "1").encode()}
    made = package()
    made["spec"]["template"]["spec"]["fetch"] = [{"image": {"url": IMAGE, "secretRef": {"name": "pull"}}}]
    await town.apply(made, login("pull", "demo", "mirror.test/copies"), install())

    assert states(await town.settle())["Ready"] == "True"

    (credentials,) = town.registry.accesses[-1].credentials
    assert credentials.source == "Secret demo/pull"
    assert set(town.registry.resolved) == {IMAGE}, "the reference stays as it is: the registry adapter knows the way"
