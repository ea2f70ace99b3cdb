"""Which volume claims of a StatefulSet go with it."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.domain.kapp.claims import with_claims_owned
from packhouse.ports import Json

OWNED = {"metadata": {"name": "data", "annotations": {"kapp.k14s.io/owned-for-deletion": ""}}}
PLAIN = {"metadata": {"name": "logs"}}
DELETED = {"whenDeleted": "Delete", "whenScaled": "Retain"}


def stateful_set(templates: Any, **spec: Any) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {"volumeClaimTemplates": templates, **spec},
    }


@pytest.mark.parametrize(
    ("obj", "policy"),
    [
        pytest.param(stateful_set([OWNED]), DELETED, id="all are owned"),
        pytest.param(stateful_set([OWNED, PLAIN]), None, id="one is not: no data is deleted that nobody gave away"),
        pytest.param(stateful_set([PLAIN]), None, id="none is"),
        pytest.param(stateful_set([]), None, id="there are none"),
        pytest.param(stateful_set("x"), None, id="no templates"),
        pytest.param(stateful_set([None]), None, id="no template"),
        pytest.param(
            stateful_set([OWNED], persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain"}),
            {"whenDeleted": "Retain"},
            id="the package decides",
        ),
        pytest.param({**stateful_set([OWNED]), "kind": "Deployment"}, None, id="another kind"),
    ],
)
def test_claims(obj: Json, policy: Json | None) -> None:
    assert with_claims_owned(obj)["spec"].get("persistentVolumeClaimRetentionPolicy") == policy
