"""A real git server for tests: `git http-backend` behind HTTP, and `git-upload-pack` behind an ssh server.

Repositories are made by the git program in a folder that the server serves. Used by unit and e2e tests.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
    "GIT_ALLOW_PROTOCOL": "file",
}


def git(folder: Path, *arguments: str, content: str | None = None) -> str:
    """What the program prints."""
    command = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, input=content, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(slots=True)
class Repository:
    """A repository with a working tree; the server reads it in place."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Repository:
        folder.mkdir(parents=True)
        git(folder, "init", "-q")
        git(folder, "config", "gc.auto", "0")
        return cls(folder)

    @property
    def path(self) -> str:
        """Below the folder of the server."""
        return f"{self.folder.name}/.git"

    def commit(self, files: Mapping[str, str | bytes]) -> str:
        """Write the files, commit them, give the commit."""
        for name, content in files.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", "x", "--allow-empty")
        return git(self.folder, "rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)


# ---- http ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class WebServer:
    """`asked`: method, path and authorization of each request. `users`: name -> password; empty lets all in."""

    root: Path
    port: int = 0
    scheme: str = "http"
    users: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)  # of git, for all repositories
    old: bool = False  # speaks protocol version 0 alone
    redirect: str = ""  # where all requests are sent on to
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def url(self, repository: Repository) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/{repository.path}"


@contextmanager
def open_web(root: Path, *, context: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Serve the repositories below `root` on loopback, by TLS where there is a context."""
    state = WebServer(root, scheme="http" if context is None else "https")

    class Bound(_Handler):
        web = state

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that break off are tested, too
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Handler(http.server.BaseHTTPRequestHandler):
    web: WebServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        words = self.headers.get("Authorization", "")
        self.web.asked.append((self.command, self.path, words))
        if self.web.redirect:
            self.send_response(301)
            self.send_header("Location", self.web.redirect + self.path)
            self.end_headers()
            return
        if self.web.users and words not in {_basic(name, word) for name, word in self.web.users.items()}:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        self._run(body)

    def _run(self, body: bytes) -> None:
        """As a web server runs a CGI program."""
        path, _, query = self.path.partition("?")
        environment = ENVIRONMENT | {
            "GIT_PROJECT_ROOT": str(self.web.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_CONFIG_COUNT": str(len(self.web.settings)),
        }
        for number, (key, value) in enumerate(self.web.settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        if not self.web.old and "Git-Protocol" in self.headers:
            environment["GIT_PROTOCOL"] = self.headers["Git-Protocol"]
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False, timeout=60
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        fields = [line.decode().partition(": ") for line in head.split(b"\r\n") if line]
        status = next((value for name, _, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, _, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps quiet."""


def _basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


# ---- ssh -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class SshServer:
    """`keys`: the public keys that are let in, `passwords` of users likewise. `commands`: what was asked for."""

    root: Path
    host_key: paramiko.PKey
    port: int = 0
    keys: list[paramiko.PKey] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    silent: bool = False  # takes connections and says nothing
    old: bool = False  # speaks protocol version 0 alone

    def url(self, repository: Repository) -> str:
        return f"ssh://git@127.0.0.1:{self.port}/{repository.path}"

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.get_name()} {self.host_key.get_base64()}\n"


@contextmanager
def open_ssh(root: Path, host_key: paramiko.PKey) -> Iterator[SshServer]:
    """Serve the repositories below `root` on loopback."""
    state = SshServer(root, host_key)
    listening = socket.create_server(("127.0.0.1", 0))
    state.port = listening.getsockname()[1]
    transports: list[Any] = []
    thread = threading.Thread(target=_take, args=(listening, state, transports), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for transport in transports:
            transport.close()
        thread.join(10)


def _take(listening: socket.socket, state: SshServer, transports: list[Any]) -> None:
    while True:
        try:
            caller, _ = listening.accept()
        except OSError:
            return
        if state.silent:
            transports.append(caller)
            continue
        transport = paramiko.Transport(caller)
        transport.add_server_key(state.host_key)
        transports.append(transport)
        with contextlib.suppress(Exception):
            transport.start_server(event=threading.Event(), server=_Session(state))


class _Session(paramiko.ServerInterface):  # type: ignore[misc]  # paramiko has no types
    def __init__(self, state: SshServer) -> None:
        self._state = state
        self._environment: dict[str, str] = {}

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = any(key.asbytes() == one.asbytes() for one in self._state.keys)
        return int(paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED)

    def check_auth_password(self, username: str, password: str) -> int:
        known = self._state.passwords.get(username) == password
        return int(paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        self._environment[name.decode()] = value.decode()
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._state.commands.append(command.decode())
        threading.Thread(target=self._serve, args=(channel, command.decode()), daemon=True).start()
        return True

    def _serve(self, channel: paramiko.Channel, command: str) -> None:
        time.sleep(0.02)  # the answer to the request goes out first
        word, _, path = command.partition(" ")
        folder = self._state.root / path.strip("'").lstrip("/")
        if word != "git-upload-pack" or not folder.is_dir():
            channel.send_exit_status(1)
            channel.close()
            return
        environment = ENVIRONMENT | ({} if self._state.old else self._environment)
        command_line = ["git-upload-pack", str(folder)]
        with (
            contextlib.suppress(BrokenPipeError),  # it ended, and what the client still said is to be flushed
            subprocess.Popen(command_line, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run,
        ):
            assert run.stdin is not None
            assert run.stdout is not None
            threading.Thread(target=_pump, args=(channel, run.stdin), daemon=True).start()
            with contextlib.suppress(OSError):
                while data := os.read(run.stdout.fileno(), 65536):
                    channel.sendall(data)
            run.kill()
        with contextlib.suppress(OSError, EOFError):
            channel.send_exit_status(0)
            channel.close()


def _pump(channel: paramiko.Channel, into: Any) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := channel.recv(65536):
            into.write(data)
            into.flush()
        into.close()
