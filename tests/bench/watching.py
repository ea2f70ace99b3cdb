"""When objects changed, as kubectl's watch tells it: nothing is polled, so looking costs little."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cluster.find import Cluster, kubectl_program
from lab import Json, wait_until

#: kubectl says nothing when its watch of nothing has begun.
BEGINS_SECONDS = 1.0


@dataclass(slots=True)
class Watch:
    """Events of one kind: when, ADDED or MODIFIED or DELETED, the object. Filled by a thread of `watching`."""

    events: list[tuple[float, str, Json]] = field(default_factory=list)

    def read(self, output: Any) -> None:
        with output:
            for line in output:
                moment, event = time.monotonic(), json.loads(line)
                self.events.append((moment, event["type"], event["object"]))

    def first(self, since: float, holds: Callable[[str, Json], bool]) -> float | None:
        """When an event after `since` first held."""
        moments = (moment for moment, kind, obj in list(self.events) if moment > since and holds(kind, obj))
        return next(moments, None)

    def until(self, since: float, holds: Callable[[str, Json], bool]) -> float:
        """Seconds from `since` to that event, which is waited for."""
        try:
            moment: float = wait_until("it is so far", lambda: self.first(since, holds), seconds=120, poll_seconds=0.02)
        except AssertionError as error:
            seen = self.events[-1][2].get("status") if self.events else None
            raise AssertionError(f"{error}; status: {json.dumps(seen)}") from None
        return moment - since


@contextmanager
def watching(cluster: Cluster, *kinds: str) -> Iterator[dict[str, Watch]]:
    """A watch of each kind, in all namespaces."""
    watches = {kind: Watch() for kind in kinds}
    processes, threads = [], []
    for kind, watch in watches.items():
        command = [kubectl_program(), f"--kubeconfig={cluster.kubeconfig}", "get", kind, "-A", "--watch"]
        command += ["--output-watch-events", "-o", "json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        thread = threading.Thread(target=watch.read, args=(process.stdout,))
        thread.start()
        processes.append(process)
        threads.append(thread)
    try:
        time.sleep(BEGINS_SECONDS)
        yield watches
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join(timeout=10)
