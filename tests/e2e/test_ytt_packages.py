"""Real packages as they are published, through the whole operator.

Each bundle is pushed to a registry, the image of its package.yaml is rewritten to the digest which that push returned,
one repository offers all of them, and each is installed with ytt and kbld, with an account of just the rights that the
command line gives it.

Real: packages, templates, registry, operator, API server. Faked: the node, by kwok, and what a cloud gives, addresses
and volumes. No container runs, so no APIService is answered (`UNANSWERED`). What the operator rendered is held against
what the original printed, by digest, with images as the bundle's lock says. Skipped where the conformance folder is
absent, and on a cluster that was given.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

import conformance
import real_packages
from cluster.find import Cluster
from cluster.registry import LocalRegistry
from cluster.serving import Serving
from conformance import Expected, ref_of
from conformance_stage import NODES, SECONDS, Stage, crds_for, lanes, namespace, node
from lab import Json, Lab, OperatorProcess, install, repository, secret, wait_until
from packhouse.domain.objects import digest
from real_packages import RealPackage

pytestmark = [conformance.needed, pytest.mark.timeout(600)]

PACKAGES = real_packages.packages()
VALID = [package for package in PACKAGES if package.is_valid]
LANES_AT_ONCE = 4
REPOSITORY = "real-packages"
#: Installed without waiting: they bring an APIService, and no container answers behind it.
UNANSWERED = ("metrics-server", "kapp-controller")


class Market:
    """The registry with all bundles, and the repository that offers the packages."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.images = {package.name: package.push(lab.registry_host) for package in PACKAGES}
        documents = [package.published(self.images[package.name]) for package in PACKAGES]
        image = lab.publish("packages/repository", [*documents, *real_packages.metadata()])
        lab.apply(repository(REPOSITORY, image))

    def close(self) -> None:
        self.lab.delete("pkgr", REPOSITORY)


class Installs:
    """Every valid package, each in a thread of its lane: those that share an object run one after another."""

    def __init__(self, stage: Stage, packages: Sequence[RealPackage]) -> None:
        self._stage = stage
        self._by_case = {package.case.name: package for package in packages if package.case is not None}
        self._outcomes: Mapping[str, Future[str]] = {name: Future() for name in self._by_case}
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(LANES_AT_ONCE)
        expected = [Expected(package.case, stage.serving) for package in packages if package.case is not None]
        for lane in lanes(expected):
            self._pool.submit(self._run, lane)

    def outcome(self, package: RealPackage) -> str:
        """What it took; raises what went wrong."""
        assert package.case is not None
        return self._outcomes[package.case.name].result(timeout=600)

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
                outcome.set_result(install_and_delete(self._stage, self._by_case[expected.case.name], expected))
            except BaseException as error:  # the test that waits for it raises it
                outcome.set_exception(error)


def install_and_delete(stage: Stage, package: RealPackage, expected: Expected) -> str:
    """Installed, held against what the original printed, deleted. What it needed beside itself, in words."""
    lab, name = stage.lab, expected.case.slug
    beside = [*crds_for(expected.foreign), *map(volume, of_kind(expected, "PersistentVolumeClaim"))]
    serving = stage.serving.extended(crds_for(expected.foreign))
    spec = package.document["spec"]
    deploy = {"wait": False} if expected.case.package in UNANSWERED else {}
    try:
        if beside:
            lab.apply(*beside)
        is_refused = bool(expected.missing and not expected.foreign)
        lab.apply(
            *map(namespace, stage.spaces(expected)),
            *(stage.bare_account(expected) if is_refused else stage.account(expected)),
            secret(name, "values", values_yml=package.values or "{}"),
            install(name, name, spec["refName"], version=spec["version"], values=["values"], deploy=deploy),
        )
        if is_refused:
            done = lab.settled("ipkg", name, name, condition="ReconcileFailed", reason="DeployFailed", seconds=SECONDS)
            said = done["status"]["usefulErrorMessage"]
            assert all(f"{kind} " in said and f"({api_version})" in said for api_version, kind in expected.missing)
            renders_as_the_original(package, done)
            return f"refused before any write: not served are {said_kinds(expected.missing)}"
        for service in of_kind(expected, "Service"):
            if service["spec"].get("type") == "LoadBalancer":
                give_address(lab, service["metadata"]["name"], service["metadata"]["namespace"])
        done = lab.settled("ipkg", name, name, seconds=SECONDS)
        renders_as_the_original(package, done)
        refs = {ref_of(obj) for obj in expected.placed(serving)}
        assert {entry["ref"] for entry in done["status"]["inventory"]} == refs
        ready = "applied" if expected.case.package in UNANSWERED else "ready"
        return f"{ready}, with the CRDs of {said_kinds(expected.foreign)}" if expected.foreign else ready
    finally:
        stage.clean_up(expected)
        for obj in beside:
            lab.delete(obj["kind"], obj["metadata"]["name"])


def of_kind(expected: Expected, kind: str) -> list[Json]:
    """The objects of that kind, in their namespaces."""
    return [
        {**obj, "metadata": {"namespace": expected.case.slug, **obj["metadata"]}}
        for obj in expected.case.objects
        if obj["kind"] == kind
    ]


def volume(claim: Json) -> Json:
    """What a storage class would provide for it."""
    spec, metadata = claim["spec"], claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{metadata['namespace']}-{metadata['name']}"},
        "spec": {
            "capacity": spec["resources"]["requests"],
            "accessModes": spec["accessModes"],
            "storageClassName": spec.get("storageClassName") or "",
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": metadata["namespace"], "name": metadata["name"]},
            "hostPath": {"path": "/nowhere"},
        },
    }


def give_address(lab: Lab, name: str, namespace: str) -> None:
    """What the controller of a cloud would do for a load balancer."""
    wait_until(f"Service {namespace}/{name} is there", lambda: lab.get("service", name, namespace), SECONDS)
    status = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}})
    words = ["patch", "service", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", status]
    lab.cluster.kubectl(*words)


def renders_as_the_original(package: RealPackage, done: Json) -> None:
    if not package.has_own_values:
        assert done["status"]["template"]["digest"] == digest(package.expected())
    assert done["status"]["packageRef"]["repository"] == REPOSITORY


def said_kinds(kinds: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{kind} ({api_version})" for api_version, kind in kinds)


@pytest.fixture(scope="module")
def market(operator: OperatorProcess, cluster: Cluster, crds: None, registry: LocalRegistry) -> Iterator[Market]:
    if not cluster.owned or cluster.audit is None:
        pytest.skip("a cluster that was given takes no calico")
    opened = Market(Lab(cluster, registry.host))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def installs(request: pytest.FixtureRequest, market: Market, cluster: Cluster) -> Iterator[Installs]:
    assert cluster.audit is not None
    chosen = {
        call.params["package"]
        for item in request.session.items
        if item.path == request.path and (call := getattr(item, "callspec", None)) and "package" in call.params
    }
    stage = Stage(market.lab, cluster.audit, Serving.of(cluster))
    stage.lab.apply(*map(node, NODES))
    stage.lab.settled("pkgr", REPOSITORY, condition="ReconcileFailed", reason="BundleInvalid", seconds=SECONDS)
    running = Installs(stage, [package for package in VALID if package in chosen])
    yield running
    running.stop()
    cluster.kubectl("delete", "node", *NODES)


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, list[str]]]:
    """Which packages took which way; printed at the end."""
    found: dict[str, list[str]] = defaultdict(list)
    yield found
    total = sum(map(len, found.values()))
    for way, names in sorted(found.items()):
        print(f"{len(names)}/{total} {way}: {', '.join(names)}")  # noqa: T201


def test_what_is_wrong_with_three_of_them_is_reported_and_the_rest_arrives(market: Market) -> None:
    done = market.lab.settled("pkgr", REPOSITORY, condition="ReconcileFailed", reason="BundleInvalid", seconds=SECONDS)
    told = done["status"]
    wrong = [package for package in PACKAGES if not package.is_valid]
    assert len(told["badDocuments"]) == len(wrong)
    for package in wrong:
        name = package.document["metadata"]["name"]
        assert any(name in bad["message"] for bad in told["badDocuments"]), f"{name}: {told['badDocuments']}"
    label = f"install.package.carvel.dev/repository={REPOSITORY}"
    offered = {obj["metadata"]["name"] for obj in market.lab.list("packages.package.carvel.dev", selector=label)}
    assert offered == {package.document["metadata"]["name"] for package in VALID}
    assert len(market.lab.list("packagemetadatas", selector=label)) == len(real_packages.metadata())


@pytest.mark.parametrize("package", VALID, ids=str)
def test_a_package_of_the_repository_is_rendered_as_by_the_original_and_becomes_ready(
    package: RealPackage, installs: Installs, told: dict[str, list[str]]
) -> None:
    told[installs.outcome(package)].append(package.name)
