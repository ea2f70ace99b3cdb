"""Git servers: what arrives, what is asked, and the reason of each failure.

Real: repositories made by git, `git http-backend` by http and TLS, `git-upload-pack` behind an ssh server, the cache's
folder. Scripted: answers of servers that mean no good.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.server
import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest

import hostile_archives as hostile
from git_server import Repository, SshServer, WebServer, open_ssh, open_web
from lab_web import Authority
from packhouse.adapters.git_servers import DulwichServers
from packhouse.adapters.git_urls import read_git_url, submodule_url
from packhouse.api.errors import (
    AuthenticationFailed,
    FetchFailed,
    FetchLimitExceeded,
    HostRefused,
    InvalidSpec,
    NameUnresolved,
    PackhouseError,
    SourceNotFound,
    SourceUnreachable,
    TlsFailed,
)
from packhouse.ports import Access, Credentials, GitAccess
from packhouse.settings import Settings

ANYBODY = GitAccess()
ALICE = Credentials("alice", "wonder", "Secret demo/alice")
BOB = Credentials("bob", "builder", "Secret demo/bob")


@pytest.fixture(scope="module")
def host_key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture(scope="module")
def user_key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


def text_of(key: paramiko.PKey, password: str | None = None) -> str:
    file = io.StringIO()
    key.write_private_key(file, password=password)
    return file.getvalue()


@pytest.fixture
def served(tmp_path: Path) -> Path:
    return tmp_path / "served"


@pytest.fixture
def repository(served: Path) -> Repository:
    made = Repository.make(served / "one")
    made.commit({"a.yml": "1", "d/run": "#!"})
    return made


@pytest.fixture
def web(served: Path, repository: Repository) -> Iterator[WebServer]:
    with open_web(served) as made:
        yield made


@pytest.fixture
def ssh(served: Path, repository: Repository, host_key: paramiko.PKey, user_key: paramiko.PKey) -> Iterator[SshServer]:
    with open_ssh(served, host_key) as made:
        made.keys.append(user_key)
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", fetch_timeout_seconds=20, registry_timeout_seconds=5)


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[DulwichServers]:
    made = DulwichServers(settings, jitter=lambda: 0.0)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def servers(settings: Settings) -> Iterator[DulwichServers]:
    with opened(settings) as made:
        yield made


def files(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def ssh_access(ssh: SshServer, key: paramiko.PKey) -> GitAccess:
    return GitAccess(ssh_key=text_of(key), known_hosts=ssh.known_hosts, source="Secret demo/git")


# ---- what arrives ----------------------------------------------------------------------------------------


async def test_refs_are_branches_and_peeled_tags(
    repository: Repository, web: WebServer, servers: DulwichServers
) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "v1.0.0")
    repository.git("tag", "-a", "-m", "x", "v1.1.0")
    second = repository.commit({"a.yml": "2"})
    repository.git("branch", "f\u00e9ature/x", first)
    repository.git("update-ref", "refs/pull/1/head", first)
    assert await servers.refs(web.url(repository), ANYBODY) == {
        "HEAD": second,
        "refs/heads/main": second,
        "refs/heads/f\u00e9ature/x": first,
        "refs/tags/v1.0.0": first,
        "refs/tags/v1.1.0": first,
    }


@pytest.mark.parametrize("old", [False, True], ids=["protocol 2", "protocol 0"])
@pytest.mark.parametrize("way", ["http", "ssh"])
async def test_any_commit_can_be_checked_out_by_either_protocol(
    way: str,
    old: bool,
    repository: Repository,
    web: WebServer,
    ssh: SshServer,
    user_key: paramiko.PKey,
    servers: DulwichServers,
) -> None:
    web.old = ssh.old = old
    url = web.url(repository) if way == "http" else ssh.url(repository)
    access = ANYBODY if way == "http" else ssh_access(ssh, user_key)
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "-am", "x", "t")
    second = repository.commit({"a.yml": "2", "d/x": "3"})
    repository.git("checkout", "-q", "-b", "side", first)
    side = repository.commit({"side": "4"})
    refs = await servers.refs(url, access)
    assert (refs["refs/tags/t"], refs["refs/heads/side"]) == (first, side)
    expected = {first: {"a.yml": "1", "d/run": "#!"}, second: {"a.yml": "2", "d/run": "#!", "d/x": "3"}}
    for commit, content in expected.items():
        assert files((await servers.checkout(url, commit, access)).root) == content
    tree = await servers.checkout(url, side, access, ref="refs/heads/side", depth=2)
    assert files(tree.root) == {"a.yml": "1", "d/run": "#!", "side": "4"}
    assert tree.digest == f"sha1:{side}"


async def test_modes_links_and_empty_files_arrive_and_no_git_folder(
    repository: Repository, web: WebServer, servers: DulwichServers
) -> None:
    (repository.folder / "tool").write_text("t")
    (repository.folder / "tool").chmod(0o755)
    (repository.folder / "link").symlink_to("d/run")
    commit = repository.commit({"empty": "", ".wh.kept": "no mark here", "n\u00e4me": "u", ".gitignore": "x"})
    root = (await servers.checkout(web.url(repository), commit, ANYBODY)).root
    assert sorted(path.name for path in root.iterdir()) == [
        ".gitignore",
        ".wh.kept",
        "a.yml",
        "d",
        "empty",
        "link",
        "n\u00e4me",
        "tool",
    ]
    assert (root / "tool").stat().st_mode & 0o777 == 0o555
    assert (root / "link").readlink() == Path("d/run")


async def test_a_large_history_of_similar_files_is_read(
    repository: Repository, web: WebServer, servers: DulwichServers
) -> None:
    lines = [f"line {number}" for number in range(2000)]
    for number in range(30):
        lines[number * 50] = f"changed in {number}"
        repository.commit({f"f{kind}.txt": "\n".join([f"file {kind}", *lines]) for kind in range(5)})
    repository.git("repack", "-adfq", "--depth=50")
    commit = repository.git("rev-parse", "HEAD~3")
    root = (await servers.checkout(web.url(repository), commit, ANYBODY)).root
    for kind in range(5):
        assert (root / f"f{kind}.txt").read_text().strip() == repository.git("show", f"{commit}:f{kind}.txt")


@pytest.mark.parametrize("old", [False, True], ids=["protocol 2", "protocol 0"])
async def test_only_one_commit_is_downloaded_where_the_server_can_tell(
    old: bool, repository: Repository, web: WebServer, settings: Settings
) -> None:
    web.old = old
    repository.commit({"large": os.urandom(300_000)})
    repository.git("rm", "-q", "large")
    commit = repository.commit({"a.yml": "2"})
    with opened(replace(settings, bundle_compressed_most_bytes=100_000)) as servers:
        tree = await servers.checkout(web.url(repository), commit, ANYBODY, ref="refs/heads/main")
    assert files(tree.root) == {"a.yml": "2", "d/run": "#!"}


# ---- what is asked ---------------------------------------------------------------------------------------


async def test_a_commit_is_asked_for_once_also_after_a_restart(
    repository: Repository, web: WebServer, settings: Settings
) -> None:
    url, commit = web.url(repository), repository.git("rev-parse", "HEAD")
    with opened(settings) as servers:
        await asyncio.gather(*(servers.checkout(url, commit, ANYBODY) for _ in range(10)))
    asked = len(web.asked)
    assert asked <= 3
    web.users["alice"] = "wonder"  # whoever comes now is refused
    with opened(settings) as servers:
        assert files((await servers.checkout(url, commit, ANYBODY)).root) == {"a.yml": "1", "d/run": "#!"}
    assert len(web.asked) == asked


async def test_refs_that_are_fresh_enough_cost_no_request(
    repository: Repository, web: WebServer, servers: DulwichServers
) -> None:
    url = web.url(repository)
    first = await servers.refs(url, ANYBODY, fresh_seconds=60)
    asked = len(web.asked)
    repository.commit({"a.yml": "2"})
    assert await servers.refs(url, ANYBODY, fresh_seconds=60) == first
    assert len(web.asked) == asked
    assert await servers.refs(url, ANYBODY) != first


async def test_a_cached_commit_is_not_given_to_whom_the_server_refuses(
    repository: Repository, web: WebServer, servers: DulwichServers
) -> None:
    web.users["alice"] = "wonder"
    url, commit = web.url(repository), repository.git("rev-parse", "HEAD")
    alice = GitAccess(Access([ALICE]))
    await servers.checkout(url, commit, alice)
    for access in (ANYBODY, GitAccess(Access([BOB])), GitAccess(Access([replace(ALICE, password="other")]))):
        with pytest.raises(AuthenticationFailed):
            await servers.checkout(url, commit, access)
    web.users["alice"] = "changed"
    assert await servers.checkout(url, commit, alice), "it was given to her before"
    assert await servers.checkout(url, commit, GitAccess(Access([BOB, ALICE])))


async def test_credentials_are_tried_in_their_order_and_stay_with_their_host(
    repository: Repository, served: Path, web: WebServer, servers: DulwichServers
) -> None:
    web.users["alice"] = "wonder"
    refs = await servers.refs(web.url(repository), GitAccess(Access([BOB, ALICE])))
    assert refs["HEAD"]
    with open_web(served) as other:
        other.redirect = f"http://localhost:{web.port}"
        web.asked.clear()
        with pytest.raises(AuthenticationFailed):
            await servers.refs(other.url(repository), GitAccess(Access([ALICE])))
        assert {words for _, _, words in other.asked} == {f"Basic {base64.b64encode(b'alice:wonder').decode()}"}
        assert {words for _, _, words in web.asked} == {""}
        web.users.clear()
        assert await servers.refs(other.url(repository), GitAccess(Access([ALICE]))) == refs
        assert {words for _, _, words in web.asked} == {""}


async def test_the_authority_of_the_access_is_honoured(
    repository: Repository, served: Path, servers: DulwichServers
) -> None:
    authority = Authority()
    with open_web(served, context=authority.context()) as web:
        with pytest.raises(TlsFailed, match="its certificate was not accepted"):
            await servers.refs(web.url(repository), ANYBODY)
        assert await servers.refs(web.url(repository), GitAccess(Access(ca_pem=authority.pem)))


# ---- submodules ------------------------------------------------------------------------------------------


async def test_submodules_are_empty_folders_unless_they_are_asked_for(
    repository: Repository, served: Path, web: WebServer, servers: DulwichServers
) -> None:
    inner, outer = Repository.make(served / "inner"), Repository.make(served / "outer")
    deep = inner.commit({"deep.yml": "d"})
    inner.git("tag", "t")
    outer.git("submodule", "--quiet", "add", f"{served}/inner/.git", "lib/inner")
    outer.git("config", "-f", ".gitmodules", "submodule.lib/inner.url", "../../inner/.git")
    commit = outer.commit({"o.yml": "o"})
    outer.git("submodule", "--quiet", "add", f"{served}/one/.git", "one")
    outer.git("config", "-f", ".gitmodules", "submodule.one.url", web.url(repository))
    both = outer.commit({})
    plain = await servers.checkout(web.url(outer), commit, ANYBODY)
    assert "lib/inner/deep.yml" not in files(plain.root)
    assert (plain.root / "lib/inner").is_dir()
    tree = await servers.checkout(web.url(outer), both, ANYBODY, submodules=True)
    found = files(tree.root)
    assert {name: found[name] for name in ("o.yml", "lib/inner/deep.yml", "one/a.yml")} == {
        "o.yml": "o",
        "lib/inner/deep.yml": "d",
        "one/a.yml": "1",
    }
    assert deep


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        pytest.param("file:///etc", FetchFailed, "begins with https://", id="a file"),
        pytest.param("/etc", FetchFailed, "begins with https://", id="a path"),
        pytest.param("ext::sh -c id", FetchFailed, "without blanks", id="a command"),
        pytest.param("-u", FetchFailed, "does not begin with -", id="an option"),
        pytest.param("http://169.254.169.254/x", HostRefused, "link-local", id="the metadata of a cloud"),
        pytest.param("../../../../../x", SourceNotFound, "not found", id="a path above the server"),
    ],
)
async def test_a_submodule_leads_nowhere_it_should_not(
    url: str, kind: type[PackhouseError], words: str, served: Path, web: WebServer, servers: DulwichServers
) -> None:
    outer = Repository.make(served / "outer")
    outer.git("submodule", "--quiet", "add", f"{served}/one/.git", "lib")
    outer.git("config", "-f", ".gitmodules", "submodule.lib.url", url)
    commit = outer.commit({"o.yml": "o"})
    with pytest.raises(kind, match=words):
        await servers.checkout(web.url(outer), commit, ANYBODY, submodules=True)


async def test_a_submodule_of_another_host_gets_no_credentials(
    served: Path, web: WebServer, servers: DulwichServers
) -> None:
    with open_web(served) as other:
        outer = Repository.make(served / "outer")
        outer.git("submodule", "--quiet", "add", f"{served}/one/.git", "lib")
        outer.git("config", "-f", ".gitmodules", "submodule.lib.url", f"http://127.0.0.1:{other.port}/one/.git")
        commit = outer.commit({"o.yml": "o"})
        await servers.checkout(web.url(outer), commit, GitAccess(Access([ALICE])), submodules=True)
        assert {bool(words) for _, _, words in web.asked} == {True}
        assert {words for _, _, words in other.asked} == {""}


# ---- ssh -------------------------------------------------------------------------------------------------


def hashed(ssh: SshServer) -> str:
    salt = os.urandom(20)
    name = hmac.new(salt, f"[127.0.0.1]:{ssh.port}".encode(), hashlib.sha1).digest()
    words = "|".join(base64.b64encode(part).decode() for part in (salt, name))
    return f"|1|{words} {ssh.host_key.get_name()} {ssh.host_key.get_base64()}"


@pytest.mark.parametrize("form", ["plain", "hashed", "pattern", "among others"])
async def test_a_host_is_known_by_its_line_of_known_hosts(
    form: str, repository: Repository, ssh: SshServer, user_key: paramiko.PKey, servers: DulwichServers
) -> None:
    line = ssh.known_hosts.strip()
    lines = {
        "plain": line,
        "hashed": hashed(ssh),
        "pattern": line.replace("127.0.0.1", "127.0.*.?", 1),
        "among others": f"# a comment\n\nother ssh-ed25519 AAAA\nx,y,{line}\n@cert-authority * ssh-rsa AAAA",
    }
    access = replace(ssh_access(ssh, user_key), known_hosts=lines[form])
    assert await servers.refs(ssh.url(repository), access)


SSH_FAILS: dict[str, tuple[dict[str, Any], type[PackhouseError], str]] = {
    "no known host": ({"known_hosts": ""}, AuthenticationFailed, "Secret demo/git holds no known key of this host"),
    "another host": ({"known_hosts": "other ssh-ed25519 AAAA"}, AuthenticationFailed, "ssh-knownhosts"),
    "another key of the host": ({"known_hosts": "WRONG"}, TlsFailed, "none of those in known_hosts"),
    "a key of the host that is revoked": ({"known_hosts": "REVOKED"}, TlsFailed, "calls revoked"),
    "a host that is excepted": ({"known_hosts": "EXCEPTED"}, AuthenticationFailed, "holds no known key"),
    "no key": ({"ssh_key": ""}, AuthenticationFailed, r"refused user 'git'; tried no key \(a secretRef names one\)"),
    "another key": (
        {"ssh_key": "OTHER"},
        AuthenticationFailed,
        "refused user 'git'; tried the ssh key of Secret demo/git",
    ),
    "a key that is none": ({"ssh_key": "s3cr3t"}, AuthenticationFailed, "key of Secret demo/git cannot be read"),
    "a passphrase that is missing": ({"ssh_key": "LOCKED"}, AuthenticationFailed, "its passphrase under password"),
}


@pytest.mark.parametrize("row", SSH_FAILS)
async def test_each_failure_of_ssh_has_its_reason(
    row: str, repository: Repository, ssh: SshServer, user_key: paramiko.PKey, servers: DulwichServers
) -> None:
    changes, kind, words = SSH_FAILS[row]
    other = paramiko.ECDSAKey.generate()
    line = ssh.known_hosts.strip()
    meant = {
        "WRONG": line.rpartition(" ")[0] + " " + other.get_base64(),
        "REVOKED": f"{line}\n@revoked {line}",
        "EXCEPTED": f"!{line.partition(' ')[0]},*{line.partition(' ')[1]}{line.partition(' ')[2]}",
        "OTHER": text_of(other),
        "LOCKED": text_of(user_key, "word"),
    }
    access = replace(ssh_access(ssh, user_key), **{name: meant.get(value, value) for name, value in changes.items()})
    with pytest.raises(kind, match=words) as caught:
        await servers.refs(ssh.url(repository), access)
    assert type(caught.value) is kind
    assert "s3cr3t" not in caught.value.message
    if "known" in words or "revoked" in words:
        assert not ssh.commands, "nobody is told anything before the host is known"


async def test_a_passphrase_and_a_password_open_doors(
    repository: Repository, ssh: SshServer, user_key: paramiko.PKey, servers: DulwichServers
) -> None:
    word = Access([Credentials("git", "word", "Secret demo/git")])
    locked = replace(ssh_access(ssh, user_key), ssh_key=text_of(user_key, "word"), access=word)
    assert await servers.refs(ssh.url(repository), locked)
    ssh.passwords["git"] = "word"
    assert await servers.refs(ssh.url(repository), replace(locked, ssh_key=""))


async def test_a_repository_that_is_not_there_and_a_host_that_is_silent(
    repository: Repository, ssh: SshServer, user_key: paramiko.PKey, settings: Settings
) -> None:
    access = ssh_access(ssh, user_key)
    with opened(replace(settings, registry_timeout_seconds=1, fetch_timeout_seconds=3)) as servers:
        with pytest.raises(SourceNotFound, match="no such repository, or hidden from: the ssh key of Secret demo/git"):
            await servers.refs(ssh.url(repository).replace("one", "none"), access)
        ssh.silent = True
        with pytest.raises(SourceUnreachable, match=r"the ssh connection broke|not done within 3 s"):
            await servers.refs(ssh.url(repository), access)


@contextlib.contextmanager
def flood(start: bytes) -> Iterator[tuple[int, list[int]]]:
    """A server that greets with `start` and goes on without an end: its port, and how much each caller took."""
    taken: list[int] = []

    def send(caller: socket.socket, number: int) -> None:
        with caller, contextlib.suppress(OSError):
            caller.sendall(start)
            while True:
                taken[number] += caller.send(b"\0" * 65536)

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = listening.accept()
                taken.append(0)
                threading.Thread(target=send, args=(caller, len(taken) - 1), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1], taken
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@pytest.mark.parametrize("start", [b"", b"SSH-2.0-x\r\n" + (2**31 - 12).to_bytes(4)], ids=["a greeting", "a packet"])
async def test_what_a_host_says_before_it_is_known_fills_no_memory(
    start: bytes, settings: Settings, host_key: paramiko.PKey
) -> None:
    with flood(start) as (port, taken), opened(replace(settings, fetch_timeout_seconds=10)) as servers:
        line = f"[127.0.0.1]:{port} {host_key.get_name()} {host_key.get_base64()}"
        with pytest.raises(SourceUnreachable, match="the ssh connection broke"):
            await servers.refs(f"ssh://git@127.0.0.1:{port}/x", GitAccess(known_hosts=line, source="Secret demo/git"))
    assert max(taken) < 32 * 1024 * 1024  # most of it what the sockets hold


def test_what_waits_on_a_channel_of_ssh_has_a_bound() -> None:
    from packhouse.adapters.git_ssh import _Ahead

    pipe = _Ahead()
    with pytest.raises(paramiko.SSHException):
        for _ in range(1000):
            pipe.feed(b"x" * 32768)
    assert len(pipe) < 9 * 1024 * 1024


async def test_a_quote_in_a_path_stays_in_the_path(
    ssh: SshServer, user_key: paramiko.PKey, servers: DulwichServers
) -> None:
    with pytest.raises(SourceNotFound):
        await servers.refs(f"ssh://git@127.0.0.1:{ssh.port}/a'$(id)'b", ssh_access(ssh, user_key))
    assert ssh.commands == ["git-upload-pack '/a'\\''$(id)'\\''b'"]


# ---- failures --------------------------------------------------------------------------------------------

URLS: dict[str, tuple[str, type[PackhouseError], str]] = {
    "a command": ("ext::sh -c touch% /tmp/x", InvalidSpec, "without blanks"),
    "a command without blanks": ("ext::id", InvalidSpec, "begins with https://, ssh:// or http://"),
    "a file": ("file:///etc/passwd", InvalidSpec, "begins with https://"),
    "a path": ("/etc", InvalidSpec, "begins with https://"),
    "an option": ("--upload-pack=id", InvalidSpec, "does not begin with -"),
    "a host that is an option": ("ssh://-oProxyCommand=id/x", InvalidSpec, "names no host"),
    "a short form whose host is an option": ("a@-oProxyCommand=id:x", InvalidSpec, "begins with https://"),
    "a user that is an option": ("ssh://-oProxyCommand=id@host/x", InvalidSpec, "a user that cannot be"),
    "a path that is an option": ("ssh://git@host/-x", InvalidSpec, "names no repository"),
    "a short form whose path is an option": ("git@host:--x", InvalidSpec, "names no repository"),
    "the git protocol": ("git://host/x", InvalidSpec, "begins with https://"),
    "a password": ("https://a:s3cr3t@host/x", InvalidSpec, "put user and password into a Secret"),
    "a line break": ("https://host/x\ny", InvalidSpec, "without blanks"),
    "no path": ("https://host", InvalidSpec, "names no repository"),
    "a path that climbs": ("https://host/a/../b", InvalidSpec, "names no repository"),
    "a query": ("https://host/x?a=b", InvalidSpec, "has a query"),
    "a port that is none": ("https://host:99999/x", InvalidSpec, "cannot be read"),
    "a name that there is not": ("https://nowhere.invalid/x", NameUnresolved, "does not resolve"),
    "a port that nobody listens at": ("http://127.0.0.1:1/x", SourceUnreachable, "Connection refused"),
    "ssh to a port that nobody listens at": ("ssh://git@127.0.0.1:1/x", SourceUnreachable, "Connection refused"),
    "plain http to another machine": ("http://git.example/x", FetchFailed, "PACKHOUSE_PLAIN_HTTP_HOSTS"),
    "the metadata of a cloud": ("https://169.254.169.254/x", HostRefused, "link-local"),
    "the metadata of a cloud by ssh": ("ssh://git@169.254.169.254/x", HostRefused, "link-local"),
}


@pytest.mark.parametrize("row", URLS)
async def test_each_address_that_leads_nowhere_has_its_reason(row: str, servers: DulwichServers) -> None:
    url, kind, words = URLS[row]
    access = GitAccess(known_hosts="[127.0.0.1]:1 ssh-ed25519 AAAA\n169.254.169.254 ssh-ed25519 AAAA")
    with pytest.raises(kind, match=words) as caught:
        await servers.refs(url, access)
    assert type(caught.value) is kind
    assert "s3cr3t" not in caught.value.message


def test_addresses_are_read_as_git_reads_them() -> None:
    read = {
        text: (url.scheme, url.user, url.place, url.path)
        for text in (
            "https://Git.Example/team/repo.git",
            "https://someone@git.example:8443/repo",
            "ssh://git.example/repo",
            "ssh://me@git.example:2222/~me/repo",
            "git@git.example:team/repo.git",
            "https://[::1]:8443/x",
        )
        for url in [read_git_url(text)]
    }
    assert list(read.values()) == [
        ("https", "", "git.example", "/team/repo.git"),
        ("https", "", "git.example:8443", "/repo"),
        ("ssh", "git", "git.example", "/repo"),
        ("ssh", "me", "git.example:2222", "/~me/repo"),
        ("ssh", "git", "git.example", "team/repo.git"),
        ("https", "", "[::1]:8443", "/x"),
    ]
    parent = read_git_url("https://git.example/team/repo.git")
    assert str(submodule_url(parent, "../other.git")) == "https://git.example/team/other.git"
    short = read_git_url("git@git.example:team/repo.git")
    assert str(submodule_url(short, "../other.git")) == "git@git.example:team/other.git"
    assert str(read_git_url("git@h:a")) != str(read_git_url("ssh://git@h/a"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"commit": "abc"}, "40 hex digits", id="a short commit"),
        pytest.param({"commit": "-" * 40}, "40 hex digits", id="a commit of dashes"),
        pytest.param({"ref": "--upload-pack=id"}, "no such ref", id="a ref that is an option"),
        pytest.param({"ref": "refs/heads/a\nb"}, "no such ref", id="a ref with a line break"),
        pytest.param({"depth": -1}, "no such depth", id="a depth below zero"),
    ],
)
async def test_what_git_could_not_mean_is_refused(
    arguments: dict[str, Any], words: str, servers: DulwichServers
) -> None:
    given: dict[str, Any] = {"commit": "0" * 40} | arguments
    with pytest.raises(InvalidSpec, match=words):
        await servers.checkout("https://git.example/x", access=ANYBODY, **given)


async def test_what_is_not_there_is_named(repository: Repository, web: WebServer, servers: DulwichServers) -> None:
    with pytest.raises(SourceNotFound, match=r"not found \(404\), or hidden from: nobody"):
        await servers.refs(web.url(repository).replace("one", "none"), ANYBODY)
    for ref in ("", "refs/heads/main"):
        with pytest.raises(SourceNotFound, match=r"has no commit 0{40} that"):
            await servers.checkout(web.url(repository), "0" * 40, ANYBODY, ref=ref)


async def test_an_empty_repository_has_no_refs(served: Path, web: WebServer, servers: DulwichServers) -> None:
    empty = Repository.make(served / "empty")
    assert await servers.refs(web.url(empty), ANYBODY) == {}


async def test_ids_of_sha256_are_refused(served: Path, web: WebServer, servers: DulwichServers) -> None:
    served.joinpath("new").mkdir()
    made = Repository(served / "new")
    made.git("init", "-q", "--object-format=sha256")
    made.commit({"a": "1"})
    with pytest.raises(FetchFailed, match="names its objects by 'sha256'"):
        await servers.refs(web.url(made), ANYBODY)


async def test_limits_are_those_of_the_settings(repository: Repository, web: WebServer, settings: Settings) -> None:
    many = repository.commit({f"f{number}": str(number) for number in range(200)})
    large = repository.commit({"large": os.urandom(300_000)})
    url = web.url(repository)
    rows = [
        ({"bundle_files_most": 100}, many, "PACKHOUSE_BUNDLE_FILES_MOST"),
        ({"bundle_compressed_most_bytes": 100_000}, large, "PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES"),
        ({"bundle_unpacked_most_bytes": 100_000}, large, "PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES"),
        ({"content_most_bytes": 100_000}, large, "PACKHOUSE_CONTENT_MOST_BYTES"),
    ]
    for number, (change, commit, words) in enumerate(rows):
        tight = replace(settings, cache_dir=settings.cache_dir / str(number), **change)
        with opened(tight) as servers, pytest.raises(FetchLimitExceeded, match=words):
            await servers.checkout(url, commit, ANYBODY)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        pytest.param((0o100644, b"..", hostile.git_id(3, b"x")), "no file name", id="a name that climbs out"),
        pytest.param((0o120000, b"l", hostile.git_id(3, b"../../x")), "leaves the root", id="a link out"),
        pytest.param((0o100644, b".git", hostile.git_id(3, b"x")), "stands for .git", id="a .git"),
    ],
)
async def test_a_tree_that_means_no_good_is_refused_over_the_wire(
    entry: tuple[int, bytes, str], words: str, repository: Repository, web: WebServer, servers: DulwichServers
) -> None:
    mode, name, id_ = entry
    for content in (b"x", b"../../x"):
        raw_object(repository, "blob", content)
    tree = raw_object(repository, "tree", b"%o %s\0%s" % (mode, name, bytes.fromhex(id_)))
    commit = raw_object(
        repository, "commit", f"tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nx\n".encode()
    )
    repository.git("update-ref", "refs/heads/evil", commit)
    with pytest.raises(FetchLimitExceeded, match=words):
        await servers.checkout(web.url(repository), commit, ANYBODY)


def raw_object(repository: Repository, kind: str, content: bytes) -> str:
    done = subprocess.run(
        ["git", "hash-object", "-w", "--literally", "-t", kind, "--stdin"],
        cwd=repository.folder,
        input=content,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


# ---- servers that mean no good ---------------------------------------------------------------------------


def line(data: bytes) -> bytes:
    return b"%04x%s" % (len(data) + 4, data)


CAPABILITIES = line(b"version 2\n") + line(b"ls-refs\n") + line(b"fetch=shallow\n") + b"0000"
INFO = line(b"# service=git-upload-pack\n") + b"0000" + CAPABILITIES
REFS = line(b"1" * 40 + b" refs/heads/main\n") + b"0000"
LIES: dict[str, tuple[list[bytes], type[PackhouseError], str]] = {
    "a page of HTML": ([b"<html>"], FetchFailed, "plain files, and no git protocol|git protocol"),
    "nothing at all": ([b""], SourceUnreachable, "broke off"),
    "a line that is cut off": ([INFO, b"00ff" + b"x"], FetchFailed, "git protocol"),
    "a length that is no number": ([INFO, b"zzzz"], FetchFailed, "git protocol"),
    "refs that are no refs": ([INFO, line(b"x") + b"0000"], FetchFailed, "git protocol"),
    "an error of the server's": (
        [INFO, line(b"ERR s3cr3t words")],
        FetchFailed,
        "ended the conversation with an error",
    ),
    "refs without an end": (
        [INFO, line(b"1" * 40 + b" refs/heads/" + b"n" * 60_000) * 300],
        FetchLimitExceeded,
        "refs",
    ),
    "a pack that is none": ([INFO, REFS, line(b"packfile\n") + line(b"\1<html>") + b"0000"], FetchFailed, "no pack"),
    "an empty pack": (
        [INFO, REFS, line(b"packfile\n") + line(b"\1" + hostile.pack([])) + b"0000"],
        SourceNotFound,
        "has no commit",
    ),
    "an error in the middle of a pack": (
        [INFO, REFS, line(b"packfile\n") + line(b"\3s3cr3t") + b"0000"],
        FetchFailed,
        "ended the conversation",
    ),
    "a channel that there is not": (
        [INFO, REFS, line(b"packfile\n") + line(b"\7x") + b"0000"],
        FetchFailed,
        "git protocol",
    ),
    "a pack that lies elsewhere": (
        [INFO, REFS, line(b"packfile-uris\n") + line(b"1" * 40 + b" https://169.254.169.254/x\n") + b"0000"],
        SourceUnreachable,
        "broke off",
    ),
}


@contextlib.contextmanager
def lying(answers: list[bytes]) -> Iterator[str]:
    """One answer for each request, the last one again and again."""
    waiting = list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if "info/refs" in self.path and len(answers) > 1:
                body = answers[0]
            kind = "result" if self.command == "POST" else "advertisement"
            self.send_response(200)
            html = body.startswith(b"<html>")
            self.send_header("Content-Type", "text/html" if html else f"application/x-git-upload-pack-{kind}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            waiting[:] = [answers[1] if b"command=ls-refs" in asked else answers[-1]]
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/x"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize("row", LIES)
async def test_a_server_that_lies_gets_a_reason_and_is_not_quoted(row: str, settings: Settings) -> None:
    answers, kind, words = LIES[row]
    with lying(answers) as url, opened(settings) as servers, pytest.raises(kind, match=words) as caught:
        await servers.checkout(url, "1" * 40, ANYBODY)
    assert type(caught.value) is kind
    assert caught.value.message.startswith(url)
    assert "s3cr3t" not in caught.value.message
    assert not list((settings.cache_dir / "trees").iterdir())


# ---- what it costs ---------------------------------------------------------------------------------------


def test_an_operator_that_uses_no_git_loads_neither_dulwich_nor_paramiko() -> None:
    program = (
        "import sys; from packhouse.adapters.git_servers import DulwichServers; import packhouse.fetch; "
        "print([name for name in ('dulwich', 'paramiko') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
