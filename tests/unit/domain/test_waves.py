"""The order of changes: by kind, refined by rules; rules hold, kinds give way, circles are refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.change import Action, Change
from packhouse.domain.inventory import Identity
from packhouse.domain.kapp.rules import OrderRule, Rules
from packhouse.domain.waves import in_order
from packhouse.ports import Kind, Ref

KINDS = {
    "ns": Kind("", "v1", "Namespace"),
    "crd": Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    "sa": Kind("", "v1", "ServiceAccount"),
    "cm": Kind("", "v1", "ConfigMap"),
    "job": Kind("batch", "v1", "Job"),
    "dep": Kind("apps", "v1", "Deployment"),
    "cr": Kind("example.com", "v1", "Thing"),
}


def rule(text: str, *, soft: bool = False) -> OrderRule:
    action, when, target, group = text.split()
    [read] = [
        OrderRule(action, when, "upsert" if target == "upserting" else "delete", group, soft)  # type: ignore[arg-type]
    ]
    return read


def change(
    name: str, *rules: str, groups: Sequence[str] = (), action: Action = Action.CREATE, soft: bool = False
) -> Change:
    """A change of an object whose kind is what stands before the dash of its name."""
    ref = Ref(KINDS[name.partition("-")[0]], "demo", name)
    return Change(
        ref, action, "", rules=Rules(groups=tuple(groups), order=tuple(rule(text, soft=soft) for text in rules))
    )


def waves(*changes: Change) -> list[list[str]]:
    return [[one.ref.name for one in wave] for wave in in_order(changes).waves]


def test_without_rules_kinds_make_the_waves() -> None:
    assert waves(change("dep"), change("cm"), change("ns"), change("cr"), change("cm-2")) == [
        ["ns"],
        ["cm", "cm-2"],
        ["dep"],
        ["cr"],
    ]


def test_what_goes_comes_after_what_arrives_and_in_the_opposite_order() -> None:
    gone = [change(name, action=Action.PRUNE) for name in ("ns-old", "dep-old", "cm-old")]
    assert waves(*gone, change("cr"), change("ns")) == [["ns"], ["cr"], ["dep-old"], ["cm-old"], ["ns-old"]]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            [change("job", groups=["migrate"]), change("dep", "upsert after upserting migrate")],
            [["job"], ["dep"]],
            id="after",
        ),
        pytest.param(
            [change("job", "upsert before upserting app"), change("dep", groups=["app"])],
            [["job"], ["dep"]],
            id="before",
        ),
        pytest.param(
            [change("dep", groups=["app"]), change("sa", "upsert after upserting app")],
            [["dep"], ["sa"]],
            id="a rule against the order of kinds holds",
        ),
        pytest.param(
            [
                change("dep-1", groups=["one"]),
                change("sa", "upsert after upserting one"),
                change("dep-2"),
            ],
            [["dep-1"], ["sa"], ["dep-2"]],
            id="and what needs the kind that came late waits for it",
        ),
        pytest.param(
            [
                change("dep-1", groups=["one"]),
                change("sa-1", "upsert after upserting one"),
                change("dep-2", groups=["two"]),
                change("sa-2", "upsert after upserting two"),
            ],
            [["dep-1", "dep-2"], ["sa-1", "sa-2"]],
            id="where kinds and rules make a circle, kinds give way",
        ),
        pytest.param(
            [change("dep", "upsert after upserting nothing-of-that-name"), change("cm")],
            [["cm"], ["dep"]],
            id="a group without members orders nothing",
        ),
        pytest.param(
            [change("cm-old", groups=["old"], action=Action.PRUNE), change("cm", "upsert after deleting old")],
            [["cm-old"], ["cm"]],
            id="a removal before what takes its place",
        ),
        pytest.param(
            [
                change("dep", "delete before deleting store", action=Action.PRUNE),
                change("cr", groups=["store"], action=Action.PRUNE),
            ],
            [["dep"], ["cr"]],
            id="removals among themselves",
        ),
        pytest.param(
            [change("dep", "delete after upserting app", action=Action.CREATE), change("cr", groups=["app"])],
            [["dep"], ["cr"]],
            id="a rule for deletion says nothing of an apply",
        ),
        pytest.param(
            [change("dep", "upsert after upserting app", groups=["app"])], [["dep"]], id="nothing waits for itself"
        ),
    ],
)
def test_rules(changes: list[Change], expected: list[list[str]]) -> None:
    assert waves(*changes) == expected


def test_rules_that_wait_for_each_other_are_refused_with_the_objects_that_do() -> None:
    circle = [
        change("dep-1", "upsert after upserting three", groups=["one"]),
        change("dep-2", "upsert after upserting one", groups=["two"]),
        change("dep-3", "upsert after upserting two", groups=["three"]),
        change("cm"),
    ]
    with pytest.raises(RenderedInvalid) as refused:
        in_order(circle)
    assert all(f"Deployment demo/dep-{number}" in refused.value.message for number in (1, 2, 3))
    assert "demo/cm" not in refused.value.message


def test_a_soft_rule_that_closes_a_circle_is_passed_over() -> None:
    assert waves(
        change("dep-1", "upsert after upserting two", groups=["one"], soft=True),
        change("dep-2", "upsert after upserting one", groups=["two"]),
    ) == [["dep-1"], ["dep-2"]]


@pytest.mark.parametrize(
    ("before", "after", "awaited"),
    [
        pytest.param(Action.CREATE, Action.CREATE, True, id="written and written"),
        pytest.param(Action.CONFIGURE, Action.KEEP, True, id="written, before what stands"),
        pytest.param(Action.KEEP, Action.CREATE, True, id="it stands, before what is new"),
        pytest.param(Action.KEEP, Action.CONFIGURE, False, id="both stood before: an upgrade is not held by it"),
        pytest.param(Action.KEEP, Action.KEEP, False, id="nothing to do"),
    ],
)
def test_what_is_ready_before_the_next_wave_begins(before: Action, after: Action, awaited: bool) -> None:
    first = change("job", groups=["migrate"], action=before)
    done = in_order([first, change("dep", "upsert after upserting migrate", action=after)])
    assert done.awaited == (frozenset({Identity.of(first.ref)}) if awaited else frozenset())


def test_a_thousand_objects_with_rules_are_put_in_order() -> None:
    changes = [
        change(f"cm-{number}", f"upsert after upserting g{number - 1}", groups=[f"g{number}"]) for number in range(200)
    ] + [change(f"dep-{number}") for number in range(800)]
    found = waves(*changes)
    assert len(found) == 201
    assert len(found[-1]) == 800


@pytest.mark.timeout(30)
def test_rules_cost_no_more_than_their_number() -> None:
    """A package of as many objects as an inventory takes, each of which waits for the one before."""
    found = waves(
        *(
            change(f"cm-{number}", f"upsert after upserting g{number - 1}", groups=[f"g{number}"])
            for number in range(5000)
        )
    )
    assert len(found) == 5000


@pytest.mark.parametrize("soft", [False, True])
def test_groups_whose_pairs_nobody_can_count_are_refused(soft: bool) -> None:
    crowd = [change(f"cm-{number}", groups=["all"]) for number in range(600)]
    waiting = [change(f"dep-{number}", "upsert after upserting all", soft=soft) for number in range(600)]
    with pytest.raises(RenderedInvalid, match=r"more than 200,000 pairs of objects; make groups smaller"):
        in_order([*crowd, *waiting])


def test_many_soft_rules_that_make_a_circle_are_refused() -> None:
    some = [change(f"dep-{number}", "upsert after upserting all", groups=["all"], soft=True) for number in range(400)]
    with pytest.raises(RenderedInvalid, match="circles that take too long"):
        in_order(some)
