"""Real packages through the whole operator: what the original tools rendered of each is pushed as a package, installed
with an account of just the rights that the command line gives it, looked at twice, and deleted.

Real: the packages, the operator, the API server. Faked: the node, by kwok, so no container runs and no controller of
these packages either; `NEVER_READY` says what that leaves waiting. Cases that share an object or a namespace run one
after another, the others side by side. Skipped where the conformance folder is absent, and on a cluster that was
given: calico and two dozen CRDs are no guests that anybody asked for.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

import conformance
from cluster.audit import writes
from cluster.find import Cluster
from cluster.registry import LocalRegistry
from cluster.serving import Serving
from conformance import Case, Expected, kind_of, ref_of
from conformance_stage import NEVER_READY, NODES, SECONDS, Stage, account_of, crds_for, lanes, node
from lab import Json, Lab, OperatorProcess

pytestmark = [conformance.needed, pytest.mark.timeout(600)]

CASES = conformance.rendered()
LANES_AT_ONCE = 4
#: Served kinds with a content that the API server refuses, whoever applies it, and the field that it names.
REFUSED_CONTENT: Mapping[str, str] = {
    "external-dns@0.12.2@external-dns-deployment-observability": "spec.template.labels",  # "/metrics" is no label
    # It has no default, and no values are given.
    "ako-operator@1.5.0": "spec.serviceEngineGroup: Required value",
    "ako-operator@1.6.0": "spec.serviceEngineGroup: Required value",
    "ako-operator@1.7.0": "spec.serviceEngineGroup: Required value",
}


# ---- the stories -----------------------------------------------------------------------------------------


def goes_well(stage: Stage, expected: Expected, serving: Serving) -> None:
    """It applies, is recorded, is left alone by two further looks, and goes."""
    case, lab, name = expected.case, stage.lab, expected.case.slug
    objects = expected.placed(serving)
    refs = {ref_of(obj) for obj in objects}

    done = lab.settled("ipkg", name, name, seconds=SECONDS)
    assert {entry["ref"] for entry in done["status"]["inventory"]} == refs
    assert stage.existing(objects) == refs

    # A look at what is live; then, since its values may be others, everything is rendered and planned anew.
    assert writes(stage.calls_of(case, lambda: lab.poke("ipkg", name, name))) == []
    anew = writes(stage.calls_of(case, lambda: lab.poke("secret", "values", name)))
    assert [call for call in anew if call.user == account_of(case)] == []
    after = lab.get("ipkg", name, name)
    assert after is not None
    assert lasting(after["status"]) == lasting(done["status"])

    goes(stage, expected, objects)


def lasting(status: Json) -> Json:
    """Status without what says that the values Secret is another version of itself."""
    return {name: part for name, part in status.items() if name not in ("template", "consecutiveReconcileSuccesses")}


def goes(stage: Stage, expected: Expected, objects: Sequence[Json]) -> None:
    """It is deleted, and nothing of it is left but what says so itself."""
    case, name = expected.case, expected.case.slug
    stage.lab.delete("ipkg", name, name, wait=False)
    stage.lab.gone("ipkg", name, name, seconds=SECONDS)
    others = [obj for obj in objects if kind_of(obj) not in expected.brought]  # of a kind that is still there
    assert stage.existing(others) == expected.staying()
    assert stage.labelled(case, others) == set()


def lacks_kinds(stage: Stage, expected: Expected, position: int) -> None:
    """It fails before any write, and says which kinds are missing and what is served in their place."""
    done = refused(stage, expected)
    said = done["status"]["usefulErrorMessage"]
    for api_version, kind in expected.missing:
        assert re.search(rf"\b{kind} \S+ \({re.escape(api_version)}\)", said), f"{kind} ({api_version}) is in {said}"
        for served in stage.serving.versions_of(api_version, kind):
            assert served in said
    assert not done["status"].get("inventory")
    assert [call for call in writes(stage.audit.since(position)) if call.user == account_of(expected.case)] == []


@contextmanager
def foreign_crds(stage: Stage, expected: Expected) -> Iterator[Serving]:
    """What the case lacks is there for a while: the install, which was refused, goes on by itself."""
    foreign = crds_for(expected.foreign)
    stage.lab.apply(*foreign)
    try:
        yield stage.serving.extended(foreign)
    finally:
        for crd in foreign:
            stage.lab.delete("crd", crd["metadata"]["name"])


def comes_to_its_end(stage: Stage, expected: Expected, serving: Serving) -> str:
    if expected.case.name in REFUSED_CONTENT:
        has_bad_content(stage, expected, serving)
        return "refused for its content"
    goes_well(stage, expected, serving)
    return "applied"


def has_bad_content(stage: Stage, expected: Expected, serving: Serving) -> None:
    """What the API server refuses is told in its words, and what was applied before it goes."""
    refused(stage, expected, REFUSED_CONTENT[expected.case.name])
    goes(stage, expected, expected.placed(serving))


def refused(stage: Stage, expected: Expected, words: str = "") -> Json:
    name = expected.case.slug
    return stage.lab.settled(
        "ipkg",
        name,
        name,
        condition="ReconcileFailed",
        reason="DeployFailed",
        seconds=SECONDS,
        when=lambda obj: words in obj["status"]["usefulErrorMessage"],
    )


# ---- all of them -----------------------------------------------------------------------------------------


class Plays:
    """Every case, in a thread of its lane."""

    def __init__(self, stage: Stage, cases: Sequence[Expected]) -> None:
        self._stage = stage
        self._outcomes: Mapping[str, Future[str]] = {one.case.name: Future() for one in cases}
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(LANES_AT_ONCE)
        for lane in lanes(cases):
            self._pool.submit(self._run, lane)

    def outcome(self, case: Case) -> str:
        """Which story it was; raises what went wrong in it."""
        return self._outcomes[case.name].result(timeout=600)

    def stop(self) -> None:
        self._stopped.set()
        self._pool.shutdown()

    def _run(self, lane: Sequence[Expected]) -> None:
        for expected in lane:
            outcome = self._outcomes[expected.case.name]
            if self._stopped.is_set():
                outcome.cancel()
                continue
            try:
                outcome.set_result(self._play(expected))
            except BaseException as error:  # the test that waits for it raises it
                outcome.set_exception(error)

    def _play(self, expected: Expected) -> str:
        stage, position = self._stage, self._stage.audit.position()
        stage.install(expected, deploy={"wait": False} if expected.case.package in NEVER_READY else {})
        try:
            if not expected.missing:
                return comes_to_its_end(stage, expected, stage.serving)
            lacks_kinds(stage, expected, position)
            if not expected.foreign:
                return "refused for its kinds"
            with foreign_crds(stage, expected) as serving:
                stage.lab.apply(*stage.account(expected))
                then = comes_to_its_end(stage, expected, serving)
                return f"refused for its kinds; with CRDs of other packages {then}"
        finally:
            stage.clean_up(expected)


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest,
    operator: OperatorProcess,
    cluster: Cluster,
    crds: None,
    registry: LocalRegistry,
) -> Iterator[Plays]:
    if not cluster.owned or cluster.audit is None:
        pytest.skip("a cluster that was given takes no calico and shows no audit log")
    chosen = {
        call.params["case"]
        for item in request.session.items
        if item.path == request.path and (call := getattr(item, "callspec", None))
    }
    cases = [case for case in CASES if case in chosen]
    stage = Stage(Lab(cluster, registry.host), cluster.audit, Serving.of(cluster))
    stage.lab.apply(*map(node, NODES))
    stage.publish(cases)
    running = Plays(stage, [Expected(case, stage.serving) for case in cases])
    yield running
    running.stop()
    cluster.kubectl("delete", "node", *NODES)


@pytest.fixture(scope="module")
def count() -> Iterator[Counter[str]]:
    """How many took which way; printed at the end."""
    counted = Counter[str]()
    yield counted
    for story, number in sorted(counted.items()):
        print(f"{number}/{counted.total()} {story}")  # noqa: T201


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_real_package_is_applied_left_alone_and_deleted_or_refused_before_any_write(
    case: Case, plays: Plays, count: Counter[str]
) -> None:
    count[plays.outcome(case)] += 1
