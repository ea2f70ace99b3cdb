"""Git over ssh, by paramiko: the host must show a key that known_hosts has, and no program is run here.

Called by git_servers in a thread, imported only there. The connection is one of Network's: same hosts, same deadline.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import IO, Any, Final

import paramiko
from dulwich.client import TraditionalGitClient
from dulwich.protocol import Protocol
from paramiko.buffered_pipe import BufferedPipe
from paramiko.packet import Packetizer

from packhouse.adapters.git_client import Counted
from packhouse.adapters.git_urls import GitUrl
from packhouse.adapters.network import MayPass, Network
from packhouse.api.errors import AuthenticationFailed, SourceNotFound, SourceUnreachable, TlsFailed
from packhouse.ports import GitAccess

# what it would print stands in our errors
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_LINES_MOST: Final = 10_000
#: A key of type ssh-rsa signs by these; the one with SHA-1 is left out.
_RSA: Final = ("rsa-sha2-512", "rsa-sha2-256")
_PACKET_MOST: Final = 1024 * 1024  # bytes; those of ssh have some ten thousand
_GREETING_MOST: Final = 64 * 1024  # of the lines before the first packet
_AHEAD_MOST: Final = 8 * 1024 * 1024  # what may wait to be read: four times the window that the other side is given


@dataclass(frozen=True, slots=True)
class HostKey:
    kind: str  # ssh-ed25519
    blob: bytes
    revoked: bool = False


def known_keys(text: str, host: str, port: int) -> list[HostKey]:
    """Those that a known_hosts has for the host: plain names, patterns and hashed names."""
    name = host if port == 22 else f"[{host}]:{port}"
    found = []
    for line in text.splitlines()[:_LINES_MOST]:
        fields = line.split()
        mark = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or mark not in ("", "@revoked"):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except binascii.Error:
            continue
        if _matches(fields[0], name):
            found.append(HostKey(fields[1], blob, revoked=bool(mark)))
    return found


def _matches(names: str, name: str) -> bool:
    if names.startswith("|1|"):
        try:
            salt, wanted = (base64.b64decode(part, validate=True) for part in names[3:].split("|"))
        except (ValueError, binascii.Error):
            return False
        return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), wanted)
    found = False
    for pattern in names.lower().split(","):
        if pattern.startswith("!") and _fits(name, pattern[1:]):
            return False
        found = found or _fits(name, pattern)
    return found


def _fits(name: str, pattern: str) -> bool:
    if pattern == name:
        return True
    # the brackets of [host]:port are no class of characters
    return ("*" in pattern or "?" in pattern) and fnmatchcase(name, pattern.replace("[", "[[]"))


class _Packets(Packetizer):  # type: ignore[misc]  # paramiko has no types
    """paramiko holds a packet as large as it says it is, and a greeting without an end: of whatever host answers."""

    _greeted = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > _PACKET_MOST:
            raise paramiko.SSHException("a packet is too large")
        return bytes(super().read_all(n, check_rekey))

    def _read_timeout(self, timeout: float) -> bytes:
        found = bytes(super()._read_timeout(timeout))
        self._greeted += len(found)
        if self._greeted > _GREETING_MOST:
            raise paramiko.SSHException("a greeting without an end")
        return found


class _Ahead(BufferedPipe):  # type: ignore[misc]  # paramiko has no types
    """What came on a channel and is not read yet: paramiko takes more than its window allows."""

    def feed(self, data: bytes) -> None:
        if len(self) > _AHEAD_MOST:
            raise paramiko.SSHException("more came than was asked for")
        super().feed(data)


class SshClient(TraditionalGitClient):
    """Asks for one command on the other side: git-upload-pack and the path."""

    def __init__(self, call: Network, url: GitUrl, access: GitAccess, counted: Counted) -> None:
        super().__init__(thin_packs=False, quiet=True)
        self._call = call
        self._url = url
        self._access = access
        self._counted = counted
        self._protocol: Protocol | None = None

    def close(self) -> None:
        """The connection: dulwich leaves it open where the first answer is none."""
        if self._protocol is not None:
            self._protocol.close()

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        transport = _transport(self._call, self._url, self._access)
        try:
            channel = transport.open_session(timeout=self._timeout)
            channel.in_buffer, channel.in_stderr_buffer = _Ahead(), _Ahead()
            channel.settimeout(self._timeout)
            channel.set_environment_variable("GIT_PROTOCOL", "version=2")
            text = self._url.path
            if text.startswith("/~"):
                text = text[1:]
            quoted = text.replace("'", "'\\''")
            channel.exec_command(f"git-{cmd.decode()} '{quoted}'".encode())
        except (paramiko.SSHException, EOFError, OSError) as error:
            transport.close()
            raise MayPass(_broken(self._call)) from error
        reader = _Reader(self._call, channel, self._counted, _tried(self._access))

        def write(data: bytes) -> int:
            try:
                channel.sendall(data)
            except (paramiko.SSHException, OSError) as error:
                raise MayPass(_broken(self._call)) from error
            return len(data)

        self._protocol = Protocol(reader.read, write, transport.close)
        return self._protocol, channel.recv_ready, None

    @property
    def _timeout(self) -> float:
        return max(0.001, min(self._call.settings.registry_timeout_seconds, self._call.remaining()))


class _Reader:
    def __init__(self, call: Network, channel: paramiko.Channel, counted: Counted, tried: str) -> None:
        self._call = call
        self._channel = channel
        self._counted = counted
        self._tried = tried
        self._begun = False

    def read(self, size: int = 65536) -> bytes:
        """Exactly `size` bytes, fewer at the end."""
        parts, missing = [], size
        while missing:
            self._call.check()
            try:
                data = self._channel.recv(min(missing, 65536))
                while self._channel.recv_stderr_ready():
                    self._channel.recv_stderr(65536)  # unread, it would stop the other side
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise MayPass(_broken(self._call)) from error
            if not data:
                break
            missing -= len(data)
            self._call.received += len(data)
            parts.append(self._counted.add(data))
        self._call.check()  # a connection that we shut looks like an end
        if not parts and not self._begun:
            raise SourceNotFound(
                f"{self._call.subject}: {self._call.who}: it closed the conversation at once: no such repository, or "
                f"hidden from: {self._tried}"
            )
        self._begun = True
        return b"".join(parts)


def _transport(call: Network, url: GitUrl, access: GitAccess) -> paramiko.Transport:
    """An open connection, after both sides have shown who they are."""
    keys = known_keys(access.known_hosts, url.host, url.port)
    trusted = [key for key in keys if not key.revoked]
    if not trusted:
        raise AuthenticationFailed(
            f"{call.subject}: {call.who}: {access.source or 'no Secret (secretRef)'} holds no known key of this host: "
            "put its line of `ssh-keyscan`, checked, under ssh-knownhosts (or known_hosts)"
        )
    key = _private_key(call, access)
    timeout = max(0.001, min(call.settings.registry_timeout_seconds, call.remaining()))
    made = call.connect(url.host, url.port)
    transport: paramiko.Transport | None = None
    try:
        transport = paramiko.Transport(made, packetizer_class=_Packets)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = timeout
        _prefer(transport, trusted)
        transport.start_client(timeout=timeout)
        shown = transport.get_remote_server_key()
        _check(call, shown.asbytes(), shown.get_name(), keys)
        _log_in(transport, url.user, key, access)
    except paramiko.AuthenticationException as error:
        _close(transport, made)
        raise AuthenticationFailed(
            f"{call.subject}: {call.who} refused user {url.user!r}; tried {_tried(access)}"
        ) from error
    except paramiko.ssh_exception.IncompatiblePeer as error:
        _close(transport, made)
        raise TlsFailed(f"{call.subject}: {call.who}: no encryption, or no key of the host, in common") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        _close(transport, made)
        call.check()
        raise MayPass(_broken(call)) from error
    except BaseException:
        _close(transport, made)
        raise
    return transport


def _close(transport: paramiko.Transport | None, made: Any) -> None:
    if transport is not None:
        transport.close()
    made.close()


def _prefer(transport: paramiko.Transport, trusted: list[HostKey]) -> None:
    """Have the host show a key of a kind that is known, as ssh does."""
    kinds = {name for key in trusted for name in (_RSA if key.kind == "ssh-rsa" else (key.kind,))}
    options = transport.get_security_options()
    options.key_types = [name for name in options.key_types if name in kinds] or [
        name for name in options.key_types if name != "ssh-rsa"
    ]


def _check(call: Network, blob: bytes, kind: str, keys: list[HostKey]) -> None:
    print_ = f"{kind} SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"
    if any(key.revoked and key.blob == blob for key in keys):
        raise TlsFailed(f"{call.subject}: {call.who} shows the key {print_}, which known_hosts calls revoked")
    if not any(hmac.compare_digest(key.blob, blob) for key in keys):
        raise TlsFailed(
            f"{call.subject}: {call.who} shows the key {print_}, which is none of those in known_hosts: somebody is in "
            "between, or the host has a new key (ssh-knownhosts of the Secret)"
        )


def _log_in(transport: paramiko.Transport, user: str, key: paramiko.PKey | None, access: GitAccess) -> None:
    if key is not None:
        transport.auth_publickey(user, key)
    elif access.access.credentials:
        transport.auth_password(user, access.access.credentials[0].password, fallback=False)
    else:
        transport.auth_none(user)


def _private_key(call: Network, access: GitAccess) -> paramiko.PKey | None:
    """The password of the Secret is the key's passphrase, where it has one."""
    if not access.ssh_key:
        return None
    people = access.access.credentials
    passphrase = people[0].password if people else None
    kinds = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
    for kind in kinds:
        for word in (None, passphrase) if passphrase else (None,):
            try:
                return kind.from_private_key(io.StringIO(access.ssh_key.strip() + "\n"), password=word)
            except (paramiko.SSHException, ValueError, TypeError, LookupError, OSError):
                continue
    raise AuthenticationFailed(
        f"{call.subject}: the ssh key of {access.source} cannot be read: an Ed25519, ECDSA or RSA key as OpenSSH or "
        "PEM has it, and its passphrase under password where it has one"
    )


def _tried(access: GitAccess) -> str:
    if access.ssh_key:
        return f"the ssh key of {access.source}"
    if access.access.credentials:
        return f"the password of {access.source}"
    return "no key (a secretRef names one)"


def _broken(call: Network) -> SourceUnreachable:
    return SourceUnreachable(f"{call.subject}: {call.who}: the ssh connection broke")
