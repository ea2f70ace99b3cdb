"""Who holds which fields, and what was lost to whom; fieldsV1 as a 1.37 API server writes it."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.domain.managed_fields import Loss, Names, lost, paths

Json = dict[str, Any]
OURS = "packhouse"


def entry(manager: str, fields: Json, operation: str = "Update", **more: str) -> Json:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def live(*entries: Json) -> Json:
    return {"metadata": {"name": "web", "managedFields": list(entries)}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {""}, id="nothing"),
        pytest.param({"f:data": {"f:color": {}}}, {".data.color"}, id="a key of a map"),
        pytest.param(
            {"f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}}}},
            {".metadata.labels", ".metadata.labels.app.kubernetes.io/name"},
            id="a map itself, and a key with dots",
        ),
        pytest.param(
            {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:targetPort": {}}}}},
            {'.spec.ports[port=80,protocol="TCP"]', '.spec.ports[port=80,protocol="TCP"].targetPort'},
            id="an entry of a list of maps",
        ),
        pytest.param({"f:finalizers": {'v:"a/b"': {}}}, {'.finalizers[="a/b"]'}, id="an entry of a set"),
        pytest.param({"f:args": {"i:0": {}}}, {".args[0]"}, id="an entry by its place"),
    ],
)
def test_fields_are_spelled_as_the_api_server_spells_them(fields: Json, expected: set[str]) -> None:
    assert expected == paths(fields)


CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "web", "namespace": "demo", "labels": {"a": "1"}},
    "data": {"color": "red", "size": "1"},
}
ALL = {"f:metadata": {"f:labels": {"f:a": {}}}, "f:data": {"f:color": {}, "f:size": {}}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "web", "image": "web:1", "args": ["-v"], "ports": [{"containerPort": 80}]},
                    {"name": "side", "image": "side:1"},
                ]
            }
        },
    },
}
SIDE = {".": {}, "f:name": {}, "f:image": {}}
PORT = {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}
WEB = {".": {}, "f:name": {}, "f:image": {}, "f:args": {}, "f:ports": PORT}


def held(replicas: bool = True, **containers: Json) -> Json:
    """What an apply of DEPLOYMENT holds: the selector is held as a whole, containers one by one."""
    listed = {f'k:{{"name":"{name}"}}': fields for name, fields in containers.items()}
    spec: Json = {"f:selector": {}, "f:template": {"f:spec": {"f:containers": listed}}}
    return {"f:spec": spec | ({"f:replicas": {}} if replicas else {})}


def held_of_web(fields: Json) -> Json:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': fields}}}}}


def without(fields: Json, *names: str) -> Json:
    return {name: below for name, below in fields.items() if name not in names}


CONTAINERS = ".spec.template.spec.containers"


@pytest.mark.parametrize(
    ("desired", "entries", "expected"),
    [
        pytest.param(CONFIG, [entry(OURS, ALL, "Apply")], [], id="all is held"),
        pytest.param(
            CONFIG,
            [entry(OURS, {**ALL, "f:data": {"f:size": {}}}, "Apply"), entry("rival", {"f:data": {"f:color": {}}})],
            [Loss(".data.color", "rival")],
            id="a value was changed",
        ),
        pytest.param(
            CONFIG,
            [entry(OURS, {"f:data": ALL["f:data"]}, "Apply")],
            [Loss(".metadata.labels.a")],
            id="a label was removed, and nobody holds it",
        ),
        pytest.param(
            CONFIG,
            [
                entry(OURS, ALL, "Apply"),
                entry("rival", {"f:data": {"f:more": {}}, "f:metadata": {"f:labels": {".": {}}}}),
            ],
            [],
            id="others hold what is not wanted",
        ),
        pytest.param(
            CONFIG,
            [
                entry(OURS, ALL, "Update"),
                entry("a", {"f:data": {"f:size": {}}}),
                entry("b", {"f:data": {"f:size": {}}}),
            ],
            [
                Loss(".data.color", OURS),
                Loss(".data.size", "a"),
                Loss(".data.size", "b"),
                Loss(".data.size", OURS),
                Loss(".metadata.labels.a", OURS),
            ],
            id="only an Apply of ours counts as ours",
        ),
        pytest.param(
            DEPLOYMENT, [entry(OURS, held(web=WEB, side=SIDE), "Apply")], [], id="lists and whole maps are held"
        ),
        pytest.param(
            DEPLOYMENT,
            [
                entry(OURS, held(replicas=False, web=WEB, side=SIDE), "Apply"),
                entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale"),
                entry("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status"),
            ],
            [Loss(".spec.replicas", "kube-controller-manager (scale)")],
            id="an autoscaler took the replicas",
        ),
        pytest.param(
            DEPLOYMENT,
            [
                entry(OURS, held(web=without(WEB, "f:image"), side=SIDE), "Apply"),
                entry("rival", held_of_web({"f:image": {}})),
            ],
            [Loss(f'{CONTAINERS}[name="web"].image', "rival")],
            id="a field of an entry of a list was changed",
        ),
        pytest.param(
            DEPLOYMENT,
            [entry(OURS, held(web=WEB), "Apply")],
            [Loss(f"{CONTAINERS}[1].image"), Loss(f"{CONTAINERS}[1].name")],
            id="an entry of a list was removed",
        ),
        pytest.param(
            DEPLOYMENT,
            [
                entry(OURS, held(web=without(WEB, "f:args"), side=SIDE), "Apply"),
                entry("rival", held_of_web({"f:args": {}})),
            ],
            [Loss(f'{CONTAINERS}[name="web"].args', "rival")],
            id="a list with one holder was changed",
        ),
        pytest.param(
            {"spec": {"selector": {"matchLabels": {"app": "web"}}}},
            [entry("rival", {"f:spec": {"f:selector": {}}})],
            [Loss(".spec.selector", "rival")],
            id="a map with one holder was taken",
        ),
        pytest.param(
            {"metadata": {"name": "n"}, "status": {"a": 1}}, [], [], id="what an apply never holds is not lost"
        ),
        pytest.param(
            {"spec": {"a": None, "b": {}, "c": []}}, [], [Loss(".spec.b"), Loss(".spec.c")], id="empty values"
        ),
    ],
)
def test_what_was_lost_is_told_with_who_holds_it_now(desired: Json, entries: list[Json], expected: list[Loss]) -> None:
    assert expected == list(lost(live(*entries), desired, OURS))


def test_an_object_that_is_gone_was_lost_as_a_whole() -> None:
    assert lost(None, CONFIG, OURS) == (Loss(""),)


def test_an_object_that_somebody_else_made_anew_was_lost_to_its_maker() -> None:
    made = live(entry("kubectl-create", {"f:data": {".": {}, "f:color": {}}}))
    assert Loss(".data.color", "kubectl-create") in lost(made, CONFIG, OURS)


def test_no_value_of_a_field_is_told() -> None:
    secret = {
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"password": "aHVudGVyMg=="},
        "stringData": {"b": "hunter2"},
    }
    assert "hunter2" not in str(lost(live(), secret, OURS))  # fmt: skip
    assert "aHVudGVyMg" not in str(lost(live(), secret, OURS))


@pytest.mark.timeout(30)
def test_a_list_of_thousands_is_read_once() -> None:
    """The environment of a container may be that long, and one key of its items may be the server's default."""
    items = [{"port": number, "name": "x"} for number in range(5000)]
    fields = {f'k:{{"port":{number},"protocol":"TCP"}}': {"f:name": {}} for number in range(4999)}
    found = lost(live(entry(OURS, {"f:spec": {"f:ports": fields}}, "Apply")), {"spec": {"ports": items}}, OURS)
    assert {loss.path for loss in found if loss.path.startswith(".spec.ports[4999]")}


@pytest.mark.parametrize(
    ("names", "item", "all_keys", "found"),
    [
        pytest.param(['k:{"a":1,"b":"x"}', 'k:{"a":2,"b":"x"}'], {"a": 2, "b": "x", "c": 3}, True, 1, id="by its keys"),
        pytest.param(['k:{"a":1,"b":"x"}', 'k:{"a":1,"b":"y"}'], {"a": 1}, False, 0, id="the first if one is left out"),
        pytest.param(['k:{"a":1,"b":"x"}'], {"a": 1}, True, None, id="all keys are asked for"),
        pytest.param(['v:"x"', 'v:"y"'], "y", True, 1, id="by its value"),
        pytest.param(["i:0", "i:1"], "y", False, 1, id="by its place"),
        pytest.param(["k:{", "v:", "f:a", "."], "y", False, None, id="what is no name says nothing"),
    ],
)
def test_which_name_means_an_item(names: list[str], item: Any, all_keys: bool, found: int | None) -> None:
    assert Names(names).of(item, 1, all_keys=all_keys) == (None if found is None else names[found])
