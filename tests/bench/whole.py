"""The whole operator with a real package: from `kubectl apply` of the install to its condition, and back to nothing."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

import conformance
from bench import processes
from bench.figures import Board, Figure, Target
from bench.side_by_side import CONTOUR
from bench.watching import Watch, watching
from conformance_stage import ACCOUNT, namespace, namespace_with_admin
from lab import Json, Lab, OperatorProcess, find_condition, install, package, secret

NAMESPACE = "bench-whole"
NAME = "contour"
HOME = "projectcontour"  # the namespace that the package brings
WHOLE, IN_A_NAMESPACE = "1.0.0", "1.0.1"
INSTALLS = "installedpackages"
WORKLOADS = ("deployments", "daemonsets", "jobs")
POKES = 10
POKE_SECONDS = 0.4


def whole(board: Board, lab: Lab, operator: OperatorProcess, runs: int) -> None:
    """Installed without waiting, looked at, and deleted; installed with waiting, and deleted."""
    case = next((case for case in conformance.rendered() if case.name == CONTOUR), None)
    if case is None:
        return  # side_by_side has said so
    publish(lab, case.objects)
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        with watching(lab.cluster, INSTALLS, *WORKLOADS) as watches:
            taken["applied"].append(installed(lab, watches, wait=False))
            if processes.is_known():
                taken["looked"].append(cpu_of(operator, lambda: lab.poke("ipkg", NAME, NAMESPACE)))
                taken["anew"].append(cpu_of(operator, lambda: lab.poke("secret", "values", NAMESPACE)))
            taken["gone"].append(deleted(lab, watches))
            taken["ready"].append(over_the_pods(lab, watches))
            deleted(lab, watches)
            lab.apply(namespace(HOME))
            installed(lab, watches, wait=False, version=IN_A_NAMESPACE)
            taken["gone from there"].append(deleted(lab, watches))
            lab.delete("namespace", HOME)
    words = f"whole operator, {CONTOUR}"
    board.add(
        beside_kapp(f"{words}: install without waiting", taken["applied"], 2.6, Target(most=0.7)),
        Figure(f"{words}: install with waiting, over the pods' own time", taken["ready"], target=Target(most=1.5)),
        beside_kapp(f"{words}: delete", taken["gone"], 11.0, Target(most=2.0)),
        Figure(f"{words}: delete, all but the namespace", taken["gone from there"], target=Target(most=2.0)),
    )
    if not processes.is_known():
        board.skip("CPU, for this system has no /proc")
        return
    board.add(
        beside_kapp(f"{words}: CPU of a no-op", taken["looked"], 0.8, Target(most=0.05)),
        Figure(f"{words}: CPU of a no-op that renders and plans anew", taken["anew"]),
    )


def publish(lab: Lab, objects: Sequence[Json]) -> None:
    """The package as it is, and without the namespace that it brings."""
    values = secret(NAMESPACE, "values", values_yml="{}")
    packages = []
    for version, chosen in (
        (WHOLE, objects),
        (IN_A_NAMESPACE, [obj for obj in objects if obj["kind"] != "Namespace"]),
    ):
        text = yaml.dump_all(chosen, Dumper=yaml.CSafeDumper).replace("type: LoadBalancer", "type: NodePort")
        image = lab.push(f"bench/contour-{version}", {"contour.yaml": f"{{% raw %}}{text}{{% endraw %}}"})
        packages.append(package("contour.example.com", version, image))
    lab.apply(*namespace_with_admin(NAMESPACE), values, *packages)


def beside_kapp(name: str, samples: list[float], theirs: float, target: Target) -> Figure:
    """`theirs` was measured elsewhere."""
    return Figure(name, samples, peer="kapp-controller", peer_samples=[theirs], target=target, published=True)


def installed(lab: Lab, watches: Mapping[str, Watch], *, wait: bool, version: str = WHOLE) -> float:
    """Seconds from the start of kubectl to the condition."""
    spec: dict[str, Any] = {"values": ["values"], "account": ACCOUNT, "deploy": {"wait": wait}}
    wanted = install(NAME, NAMESPACE, "contour.example.com", version=version, **spec)
    started = time.monotonic()
    lab.apply(wanted)
    return watches[INSTALLS].until(started, lambda _, obj: has_succeeded(obj))


def deleted(lab: Lab, watches: Mapping[str, Watch]) -> float:
    started = time.monotonic()
    lab.delete("ipkg", NAME, NAMESPACE, wait=False)
    return watches[INSTALLS].until(started, lambda kind, _: kind == "DELETED")


def over_the_pods(lab: Lab, watches: Mapping[str, Watch]) -> float:
    """What an install with waiting takes, less the time from its first workload until the last of them was ready."""
    started = time.monotonic()
    took = installed(lab, watches, wait=True)
    began: list[float] = []
    ended: dict[str, float] = {}
    for kind in WORKLOADS:
        for moment, _, obj in watches[kind].events:
            if moment > started:
                began.append(moment)
            if moment > started and is_ready(obj):
                ended.setdefault(f"{kind}/{obj['metadata']['name']}", moment)
    return took - (max(ended.values()) - min(began))


def is_ready(obj: Json) -> bool:
    status = obj.get("status") or {}
    match obj["kind"]:
        case "Deployment":
            return bool(status.get("availableReplicas", 0) == obj["spec"]["replicas"])
        case "DaemonSet":
            return bool(0 < status.get("desiredNumberScheduled", 0) == status.get("numberAvailable", 0))
        case _:
            return bool(status.get("succeeded"))


def has_succeeded(obj: Json) -> bool:
    condition = find_condition(obj, "ReconcileSucceeded")
    return condition is not None and condition["status"] == "True"


def cpu_of(operator: OperatorProcess, look: Callable[[], None]) -> float:
    """CPU seconds of one look."""

    def looks() -> None:
        for _ in range(POKES):
            look()
            time.sleep(POKE_SECONDS)

    return processes.cpu_over_idle(operator.pid, looks) / POKES
