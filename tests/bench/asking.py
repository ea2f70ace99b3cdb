"""What many installs of one bundle ask the registry once they are in place: counted in the registry's own log."""

from __future__ import annotations

import re
import time

from bench.figures import Board, Figure, Target
from cluster.registry import LocalRegistry
from lab import Lab, account, config_map_template, find_condition, install, package, wait_until

INSTALLS = 100
PERIOD_SECONDS = 10
PERIODS = 5
NAMESPACE = "bench-asking"
WORD = "asked"
#: An answer does for 0.95 of a sync period, so that the next look of the same install asks anew.
ONCE = Target(most=1.06)
NEVER = Target(most=0)


def requests(board: Board, lab: Lab, registry: LocalRegistry) -> None:
    """All figures of this part."""
    files = {"web.yaml": config_map_template("{{ install.name }}", "  a: b\n")}
    lab.push(f"{WORD}/bundle", files, tag="1.0.0")
    name = f"{WORD}.example.com"
    lab.cluster.kubectl("create", "namespace", NAMESPACE)
    lab.apply(*account(NAMESPACE), package(name, "1.0.0", f"{lab.registry_host}/{WORD}/bundle:1.0.0"))
    names = [f"i{number:03}" for number in range(INSTALLS)]
    wanted = [install(one, NAMESPACE, name, version="1.0.0", syncPeriod=f"{PERIOD_SECONDS}s") for one in names]
    pushed = len(asked(registry))
    lab.apply(*wanted)
    wait_until("all are ready", lambda: _ready(lab) == INSTALLS, seconds=180, poll_seconds=1)
    first = asked(registry)
    seen: list[tuple[float, str]] = []
    started = time.monotonic()
    while (now := time.monotonic()) < started + PERIODS * PERIOD_SECONDS:
        seen += [(now, what) for what in asked(registry)[len(first) + len(seen) :]]
        time.sleep(0.1)
    manifests = [at for at, what in seen if what == "manifests"]
    words = f"{INSTALLS} installs of one bundle"
    board.add(
        Figure(f"{words}: requests until all are ready", [len(first) - pushed], unit="requests"),
        Figure(f"{words}: manifest requests in a sync period", [per_period(manifests)], unit="requests", target=ONCE),
        Figure(f"{words}: other requests then", [len(seen) - len(manifests)], unit="requests", target=NEVER),
    )
    lab.cluster.kubectl("delete", "ipkg", "--all", "-n", NAMESPACE)


def asked(registry: LocalRegistry) -> list[str]:
    """What the requests for the bundle were for: manifests, blobs ..."""
    return re.findall(rf'"(?:GET|HEAD) /v2/{WORD}/bundle/([a-z]+)/', registry.log.read_text())


def per_period(times: list[float]) -> float:
    """How many there are in a sync period, by the time between the first and the last."""
    if len(times) < 2:
        return float(len(times))
    return PERIOD_SECONDS * (len(times) - 1) / (times[-1] - times[0])


def _ready(lab: Lab) -> int:
    found = [find_condition(obj, "Ready") for obj in lab.list("ipkg", NAMESPACE)]
    return sum(condition is not None and condition["status"] == "True" for condition in found)
