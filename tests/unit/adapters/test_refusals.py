"""What an API server says of a refused object, without what it quotes. The answers are those of a real one."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.adapters.api_server import Refused, Request
from packhouse.adapters.refusals import discreet, forbidden

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"a": "hunter2"}}


def refused(code: int, message: str, causes: list[dict[str, str]], body: Any = DEPLOYMENT) -> Refused:
    details = {"kind": "deployments", "group": "apps", "causes": causes}
    return Refused(
        code, {"reason": "Invalid", "message": message, "details": details}, Request("PATCH", "/x", body=body)
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Invalid value: -5: must be greater than 0", "spec.f: Invalid value: must be greater than 0"),
        ('Invalid value: "hunter2": must be a name', "spec.f: Invalid value: must be a name"),
        ('Invalid value: "a \\"hunter2\\" b": no', "spec.f: Invalid value: no"),
        ('Invalid value: {"a":{"b":"hunter2: c"}}: no', "spec.f: Invalid value: no"),
        ("Invalid value: map[string]any{hunter2}: no", "spec.f: Invalid value"),
        (
            'Unsupported value: "hunter2": supported values: "Always", "Never"',
            'spec.f: Unsupported value: supported values: "Always", "Never"',
        ),
        ("Required value", "spec.f: Required value"),
        (
            'Forbidden: spec is immutable except `f`\n  core.PodSpec{\n- \tValue: "hunter2",\n  }\n',
            "spec.f: Forbidden: spec is immutable except `f`",
        ),
        ('Forbidden: no: core.PodSpec{Value: "hunter2"}', "spec.f: Forbidden: no:"),
    ],
)
def test_a_field_is_named_and_its_value_is_not(message: str, shown: str) -> None:
    whole = f'Deployment.apps "web" is invalid: spec.f: {message}'
    assert discreet(refused(422, whole, [{"field": "spec.f", "message": message}])) == shown


def test_several_causes_are_all_told() -> None:
    causes = [{"field": "a", "message": "Required value"}, {"field": "b", "message": 'Invalid value: "x": no'}]
    assert discreet(refused(422, "", causes)) == "a: Required value; b: Invalid value: no"


def test_a_rule_of_our_own_kinds_is_told_though_no_value_stands_before_it() -> None:
    causes = [{"field": "spec.fetch", "message": "Invalid value: fetch needs exactly one of image and git: name one"}]
    theirs = refused(422, "", causes)
    ours = Refused(422, {"details": {"group": "install.package.carvel.dev", "causes": causes}}, theirs.request)

    assert discreet(ours) == "spec.fetch: Invalid value: fetch needs exactly one of image and git: name one"
    assert discreet(theirs) == "spec.fetch: Invalid value"


def test_a_value_of_another_type_is_not_shown() -> None:
    message = "failed to create typed patch object: .data.a: expected string, got &value.valueUnstructured{Value:4711}"
    assert discreet(refused(400, message, [])) == (
        "failed to create typed patch object: .data.a: expected string, got a value of another type"
    )


def test_the_content_of_a_secret_is_not_shown_whoever_quotes_it() -> None:
    message = 'admission webhook "w" denied the request: hunter2 is too weak'
    assert discreet(refused(400, message, [], SECRET)) == (
        'admission webhook "w" denied the request: (not shown) is too weak'
    )


@pytest.mark.parametrize("told", ["hunter2", "aHVudGVyMg=="], ids=["as it is", "as it is kept"])
@pytest.mark.parametrize(
    "content", [{"stringData": {"a": "hunter2"}}, {"data": {"a": "aHVudGVyMg==", "b": "?"}}], ids=["text", "base64"]
)
def test_a_webhook_that_forbids_shows_no_content_of_a_secret(content: dict[str, Any], told: str) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, **content}
    said = forbidden(refused(403, f"denied: {told} is too weak", [], body), "Secret demo/web", "patch")
    assert said.startswith("Secret demo/web: denied: (not shown) is too weak; if the right is missing")


def test_a_missing_right_is_told_with_the_rule_that_grants_it() -> None:
    said = forbidden(refused(403, "cannot patch", []), "Deployment demo/web", "patch")
    assert said.startswith("Deployment demo/web: cannot patch; if the right is missing")
    assert 'apiGroups ["apps"], resources ["deployments"], verbs ["patch"]' in said
