"""What differs between two versions of a package: keys of values, and objects."""

from __future__ import annotations

from packhouse.domain.values_keys import Row
from packhouse.domain.version_changes import key_changes, object_changes
from packhouse.ports import Json


def row(key: str, default: str = "1", kind: str = "integer", description: str = "") -> Row:
    return Row(key, default, kind, description)


def test_keys_come_and_go_and_change_what_is_said_of_them() -> None:
    before = [row("same"), row("gone"), row("replicas"), row("host", "a", "string", "old words")]
    after = [row("host", "b", "string", "new words"), row("replicas", "2"), row("same"), row("fresh")]
    told = [(one.key, one.before is None, one.after is None, list(one.changed)) for one in key_changes(before, after)]
    assert told == [
        ("fresh", True, False, ["type", "default"]),
        ("gone", False, True, ["type", "default"]),
        ("host", False, False, ["default", "description"]),
        ("replicas", False, False, ["default"]),
    ]


def obj(name: str, api: str = "v1", **data: str) -> Json:
    return {"apiVersion": api, "kind": "Thing", "metadata": {"name": name}, "data": data}


def test_objects_are_the_same_under_another_version_of_their_api() -> None:
    before = [obj("a", "x.io/v1"), obj("b", a="1"), obj("gone")]
    after = [obj("new"), obj("a", "x.io/v2"), obj("b", a="1")]
    told = [(str(one.ref), one.before is None, one.after is None) for one in object_changes(before, after)]
    assert told == [
        ("Thing new (v1)", True, False),
        ("Thing a (x.io/v2)", False, False),
        ("Thing gone (v1)", False, True),
    ]
