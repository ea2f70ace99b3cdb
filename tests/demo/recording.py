"""`python -m demo.recording`: plays the tour of docs/howto/client.md at a terminal, and records it.

Writes docs/demo/client.cast, and its text into the README between two marks. The cluster, the registry and the operator
are real; kwok says what a kubelet would. Registry and operator are set up beforehand and not shown.
"""
# ruff: noqa: T201  a command prints

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from cluster.find import Cluster, open_cluster
from cluster.registry import open_registry
from demo import cast, examples
from demo.cast import COLUMNS, ROWS, Event
from lab import Lab, OperatorProcess, operator_kubeconfig

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "howto" / "client.md"
CAST: Final = ROOT / "docs" / "demo" / "client.cast"
README: Final = ROOT / "README.md"
TITLE: Final = "Packhouse: a repository, a package, an upgrade"
MARKS: Final = ("<!-- recorded by `make recording` -->\n```console\n", "```\n<!-- end of the recording -->\n")
#: What the tour calls its registry. Mirrors of the settings lead from there to the real one.
REGISTRY: Final = "registry.example.com"
_KEY_SECONDS: Final = 0.03
_READ_SECONDS: Final = 0.8
_PROMPT: Final = "\x1b[32m$\x1b[0m "
_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main() -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(open_cluster())
        registry = stack.enter_context(open_registry())
        environment = {"PACKHOUSE_REGISTRY_MIRRORS": f"{REGISTRY}={registry.host}"}
        prepare(cluster, Lab(cluster, registry.host), folder)
        operator = OperatorProcess(
            operator_kubeconfig(cluster, folder), folder, registry_mirrors=environment["PACKHOUSE_REGISTRY_MIRRORS"]
        )
        operator.start()
        stack.callback(operator.stop)
        home = folder / "home"
        home.mkdir()
        events = list(Terminal(home, {**environment, "KUBECONFIG": str(cluster.kubeconfig)}).play(tour()))
    shown = cast.text(events)
    told = [word for word in (str(folder), registry.host, str(ROOT), str(Path.home())) if word in shown]
    if told:
        print(f"the recording shows {told}: it is not kept", file=sys.stderr)
        return 1
    CAST.parent.mkdir(exist_ok=True)
    cast.write(CAST, TITLE, events)
    README.write_text(with_recording(README.read_text(), shown))
    return 0


def tour() -> list[str]:
    """The commands of the page, each one line; lines that begin with # are typed, too."""
    lines = "".join(_BLOCK.findall(PAGE.read_text())).replace("\\\n", "").splitlines()
    return [" ".join(line.split()) for line in lines if line.strip()]


def prepare(cluster: Cluster, lab: Lab, folder: Path) -> None:
    """The CRDs, and the example packages in the registry; web 1.2.0 and the prerelease are left out."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    cluster.kubectl("wait", "--for=condition=Established", "-f", str(ROOT / "crds"))
    goods = folder / "examples"
    offers = [offer for offer in examples.copy(goods, REGISTRY) if offer.version in ("1.0.0", "1.1.0")]
    pushed = {offer: lab.push(offer.name, _files(goods / offer.folder), offer.version) for offer in offers}
    named = {offer: reference.replace(lab.registry_host, REGISTRY) for offer, reference in pushed.items()}
    examples.put_on_offer(goods, named, offers)
    lab.push("packages", _files(goods / "repository"), "stable")


def _files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def with_recording(page: str, shown: str) -> str:
    """The page with the text between its marks."""
    begin, end = MARKS
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return before + begin + shown + end + after


def recording_of(page: str) -> str:
    """What stands between the marks."""
    begin, end = MARKS
    return page.partition(begin)[2].partition(end)[0]


class Terminal:
    """Types commands, runs each at a terminal of its own, and notes when which output came."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self._home = home
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {
            "PATH": path,
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            **environment,
        }
        self._began = time.monotonic()

    def play(self, commands: list[str]) -> Iterator[Event]:
        for command in commands:
            yield self._now(_PROMPT)
            for key in command:
                time.sleep(_KEY_SECONDS)
                yield self._now(key)
            yield self._now("\r\n")
            print(f"$ {command}", flush=True)
            if not command.startswith("#"):
                yield from self._run(command)
            time.sleep(_READ_SECONDS)

    def _run(self, command: str) -> Iterator[Event]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        process = subprocess.Popen(
            ["bash", "-c", command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=self._home,
            env=self._environment,
            start_new_session=True,
        )
        os.close(theirs)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with suppress(OSError):  # a terminal that nobody has open any more
            while data := os.read(ours, 65536):
                yield self._now(decoder.decode(data))
        os.close(ours)
        code = process.wait()
        if code != 0:
            raise SystemExit(f"`{command}` ended with {code}")

    def _now(self, text: str) -> Event:
        return time.monotonic() - self._began, text


if __name__ == "__main__":
    sys.exit(main())
