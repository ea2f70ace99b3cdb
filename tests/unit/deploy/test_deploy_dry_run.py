"""What is shown of a plan where the API server refuses, and where nothing can be asked. Faked: the cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import ClusterUnavailable, DeployFailed, Forbidden, PackhouseError
from packhouse.api.names import APPLY_MANAGER
from packhouse.deploy.dry_run import RESTS, Preview, dry_run
from packhouse.deploy.trial import Terms, never
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.objects import ref_of
from packhouse.ports import Json, Ref


def config_map(text: str, name: str = "web", namespace: str = "demo") -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


@pytest.fixture
async def cluster() -> FakeCluster:
    """It has the object, with a field that others wrote."""
    found = FakeCluster()
    await found.apply(config_map("old"), manager=APPLY_MANAGER)
    await found.apply({**config_map(""), "data": {"more": "theirs"}}, manager="others")
    return found


async def shown(
    cluster: FakeCluster, obj: Json | None, action: Action = Action.CONFIGURE, terms: Terms | None = None, **about: bool
) -> Preview:
    ref = ref_of(obj or config_map("old"))
    live = await cluster.get(ref)
    change = Change(ref, action, "so it is", obj, uid=live["metadata"]["uid"] if live else "", adopting=bool(about))
    start = len(cluster.writes)
    [preview] = await dry_run(cluster, Plan([[change]]), terms)
    assert cluster.writes[start:] == []
    return preview


def fields(preview: Preview) -> list[str]:
    return [str(difference) for difference in preview.differences]


def refusing(
    error: PackhouseError, verb: str = "dry run", name: str = "web"
) -> Callable[[str, Ref], PackhouseError | None]:
    return lambda asked, ref: error if (asked, ref.name) == (verb, name) else None


async def test_without_the_right_to_try_it_the_rendered_fields_are_laid_over_the_live_ones(
    cluster: FakeCluster,
) -> None:
    cluster.refuse = refusing(Forbidden("ConfigMap demo/web (v1): you may not patch it; this rule grants it: ..."))
    preview = await shown(cluster, config_map("new"))
    assert fields(preview) == ["~ data.text: 'old' -> 'new'"]
    assert preview.note == "shown as rendered, since it may not be tried: you may not patch it"


async def test_a_field_that_cannot_change_is_a_replacement_where_that_is_allowed(cluster: FakeCluster) -> None:
    cluster.refuse = refusing(DeployFailed("data: Invalid value: it is immutable", invalid=True))
    preview = await shown(cluster, config_map("new"), terms=Terms(lambda change: True))
    assert preview.change.action is Action.REPLACE
    assert fields(preview) == ["~ data.text: 'old' -> 'new'", "- data.more: 'theirs'"]
    assert preview.note == ""


async def test_and_where_it_is_not_it_is_said_that_it_would_be_refused(cluster: FakeCluster) -> None:
    cluster.refuse = refusing(DeployFailed("data: Invalid value: it is immutable", invalid=True))
    preview = await shown(cluster, config_map("new"), terms=Terms(never))
    assert preview.change.action is Action.CONFIGURE
    assert preview.note.startswith("it would be refused: data: Invalid value: it is immutable")
    assert "replaceImmutable" in preview.note


async def test_what_may_not_be_adopted_is_not_even_tried(cluster: FakeCluster) -> None:
    preview = await shown(cluster, config_map("new"), terms=Terms(adopt=False), adopting=True)
    assert "belongs to no install" in preview.note


async def test_what_goes_is_shown_whole(cluster: FakeCluster) -> None:
    preview = await shown(cluster, None, Action.PRUNE)
    assert preview.after is None
    assert fields(preview)[-1] == "- data: {'text': 'old', 'more': 'theirs'}"


async def test_what_its_namespace_comes_with_is_shown_as_rendered(cluster: FakeCluster) -> None:
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}
    inner = config_map("a", namespace="new")
    cluster.refuse = refusing(DeployFailed("namespaces new not found"))
    changes = [Change(ref_of(obj), Action.CREATE, "it is new", obj) for obj in (made, inner)]
    previews = await dry_run(cluster, Plan([changes]))
    assert [preview.note for preview in previews] == ["", RESTS]
    assert fields(previews[1])[-1] == "+ data: {'text': 'a'}"


async def test_a_server_that_does_not_answer_says_nothing_about_an_object(cluster: FakeCluster) -> None:
    cluster.refuse = refusing(ClusterUnavailable("no answer"))
    with pytest.raises(ClusterUnavailable):
        await shown(cluster, config_map("new"))
