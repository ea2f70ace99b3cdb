"""The tables of Kubernetes' API versions hang together."""

from __future__ import annotations

import pytest

from packhouse.authoring import kubernetes_apis as apis
from packhouse.client.errors import Usage


def test_rows_are_in_the_order_of_a_life() -> None:
    assert [row for row in apis.PASSING if not row.introduced < row.deprecated < row.removed] == []


def test_each_replacement_is_there_when_it_is_needed() -> None:
    for row in apis.PASSING:
        if "/" not in row.replacement:
            continue
        for kind in row.kinds.split():
            later = apis.passing(row.replacement, kind)
            since = later.introduced if later else apis.introduced(row.replacement, kind)
            assert since is not None and since <= row.removed, (row, kind)


def test_groups_are_those_that_a_server_has_by_itself() -> None:
    assert {"v1", "apps/v1", "policy/v1", "policy/v1beta1"} <= set(apis.api_groups(24))
    assert "policy/v1beta1" not in apis.api_groups(25)
    assert "policy/v1" not in apis.api_groups(20)
    assert "resource.k8s.io/v1beta1" not in apis.api_groups(33)


@pytest.mark.parametrize(("text", "minor"), [("1.25", 25), ("v1.25.3", 25), ("1.31.4+k3s1", 31)])
def test_a_version_is_read(text: str, minor: int) -> None:
    assert apis.read_version(text) == minor


@pytest.mark.parametrize("text", ["", "1", "25", "2.1", "1.15", "1.25.x"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(Usage):
        apis.read_version(text)


@pytest.mark.parametrize(
    ("constraint", "minor"),
    [("*", apis.NEWEST), (">=1.20 <1.25", 24), ("1.22.x", 22), (">=1.99", apis.NEWEST), ("nonsense", apis.NEWEST)],
)
def test_the_newest_version_within_a_range(constraint: str, minor: int) -> None:
    assert apis.newest_within(constraint) == minor
