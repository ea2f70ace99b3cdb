"""How what would happen is shown. Pure: plans and objects become text."""

from __future__ import annotations

import base64
import json

import pytest

from packhouse.cli import terminal
from packhouse.cli.output import Form, rendered
from packhouse.cli.preview import change_data, changing, counts, diff_text, outcome_counts, plan_counts, plan_listing
from packhouse.cli.yaml_diff import diff_lines, yaml_text
from packhouse.deploy.dry_run import Preview
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.objects import ref_of
from packhouse.ports import Json


def workload(replicas: int, image: str = "web:1") -> Json:
    pod = {"containers": [{"name": "side", "image": "side:1"}, {"name": "web", "image": image}]}
    spec = {"replicas": replicas, "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a"}, "spec": spec}


def config_map(name: str, text: str = "") -> Json:
    metadata = {"name": name, "namespace": "a"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


def secret(value: str) -> Json:
    copy = json.dumps({"stringData": {"password": value}})
    metadata = {"name": "key", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": copy}}
    encoded = base64.b64encode(value.encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"password": encoded}}


def change(obj: Json, action: Action, why: str = "so it is") -> Change:
    return Change(ref_of(obj), action, why, None if action is Action.PRUNE else obj)


def test_a_diff_names_the_object_the_reason_and_where_in_it_the_change_stands() -> None:
    preview = Preview(change(workload(2, "web:2"), Action.CONFIGURE), workload(1), workload(2, "web:2"))
    assert diff_text([preview]).splitlines() == [
        "configure Deployment a/web (apps/v1): so it is",
        "--- before/Deployment/a/web",
        "+++ after/Deployment/a/web",
        "@@ -4,7 +4,7 @@ spec",
        "   name: web",
        "   namespace: a",
        " spec:",
        "-  replicas: 1",
        "+  replicas: 2",
        "   template:",
        "     metadata:",
        "       labels:",
        "@@ -13,5 +13,5 @@ spec.template.spec.containers",
        "       containers:",
        "       - image: side:1",
        "         name: side",
        "-      - image: web:1",
        "+      - image: web:2",
        "         name: web",
    ]


def test_a_note_stands_above_what_it_speaks_of() -> None:
    preview = Preview(change(config_map("a"), Action.CREATE), None, config_map("a"), "shown as rendered,\nsince")
    assert diff_text([preview]).splitlines()[1] == "# shown as rendered, since"


def test_long_texts_differ_by_their_lines() -> None:
    lines = diff_lines(config_map("a", "one\ntwo\n"), config_map("a", "one\nthree\n"), "a")
    assert [line for line in lines if line[0] in "+-"][2:] == ["-    two", "+    three"]


def test_equal_objects_give_equal_texts_whatever_the_order_of_their_fields() -> None:
    obj = workload(1)
    assert yaml_text(obj) == yaml_text(dict(reversed(obj.items())))
    assert yaml_text(obj).splitlines()[:3] == ["apiVersion: apps/v1", "kind: Deployment", "metadata:"]


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    preview = Preview(change(workload(2), Action.CONFIGURE), workload(1), workload(2))
    assert "\x1b" not in diff_text([preview])
    monkeypatch.setattr(terminal, "is_coloured", lambda stream=None: True)
    coloured = diff_text([preview]).splitlines()
    assert [line[:5] for line in coloured if "replicas" in line] == ["\x1b[31m", "\x1b[32m"]


@pytest.mark.parametrize("before", [None, secret("before-that")], ids=["a new one", "a changed one"])
def test_no_value_of_a_secret_comes_out(before: Json | None) -> None:
    preview = Preview(change(secret("correct-horse"), Action.CONFIGURE), before, secret("correct-horse"))
    shown = diff_text([preview]) + json.dumps(change_data(preview)) + repr(preview) + str(preview)
    shown += rendered(plan_listing(Plan([[preview.change]])), Form.YAML)
    for word in ("correct-horse", "before-that"):
        assert word not in shown
        assert base64.b64encode(word.encode()).decode() not in shown
    assert "password" in shown


def test_whole_objects_with_their_secrets_are_shown_to_whoever_asks_for_that() -> None:
    listing = plan_listing(Plan([[change(secret("correct-horse"), Action.CREATE)]]), show_secrets=True)
    assert base64.b64encode(b"correct-horse").decode() in rendered(listing, Form.YAML)


PLAN = Plan(
    [
        [change(config_map("same"), Action.KEEP), change(config_map("new"), Action.CREATE)],
        [change(workload(2), Action.CONFIGURE), change(config_map("old"), Action.PRUNE)],
        [change(config_map("gone"), Action.FORGET), change(config_map("theirs"), Action.EXPECT)],
    ]
)


def test_a_plan_is_told_by_what_becomes_of_its_objects() -> None:
    assert rendered(plan_listing(PLAN), Form.TABLE).splitlines() == [
        "ACTION      KIND         NAMESPACE   NAME",
        "create      ConfigMap    a           new",
        "configure   Deployment   a           web",
        "prune       ConfigMap    a           old",
        "expect      ConfigMap    a           theirs",
        "keep        ConfigMap    a           same",
    ]
    assert rendered(plan_listing(PLAN), Form.NAME).splitlines()[:2] == ["configmap/new", "deployment.apps/web"]
    assert plan_counts(PLAN) == "1 to create, 1 to configure, 1 to prune, 1 made by others, 1 unchanged"
    assert counts([]) == "no objects"


def test_an_apply_that_changes_nothing_counts_as_none() -> None:
    writes = {one.ref.name: one for one in PLAN}
    previews = [
        Preview(writes["new"], None, config_map("new")),
        Preview(writes["web"], workload(2), workload(2)),
        Preview(writes["old"], config_map("old"), None),
        Preview(writes["gone"]),
        Preview(writes["theirs"]),
    ]
    assert [one.change.ref.name for one in changing(previews)] == ["new", "old"]
    assert outcome_counts(PLAN, previews) == "1 to create, 1 to prune, 1 made by others, 2 unchanged"
