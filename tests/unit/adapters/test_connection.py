"""How the API server is reached, and what that imports. Real: kubeconfigs, the rules of the environment for proxies."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from certificates import Authority
from packhouse.adapters import connection
from packhouse.api.errors import InvalidSpec
from packhouse.connected import connected_as_user
from packhouse.settings import Settings

PROXY = "http://proxy.example.com:3128"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    cluster = {"name": "c", "cluster": {"server": "https://api.example.com:6443"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "t"}}
    path = tmp_path / "kubeconfig"
    wire = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context], "users": [user]}
    path.write_text(yaml.safe_dump({**wire, "current-context": "c"}))
    return str(path)


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        pytest.param({}, None, id="none is named"),
        pytest.param({"HTTPS_PROXY": PROXY}, PROXY, id="one is named"),
        pytest.param({"HTTPS_PROXY": PROXY, "NO_PROXY": "example.com"}, None, id="the server is left out"),
        pytest.param({"HTTP_PROXY": PROXY}, None, id="one for another scheme is named"),
    ],
)
async def test_a_proxy_is_looked_for_once(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: str, variables: dict[str, str], proxy: str | None
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    configuration = await connection.load(kubeconfig)

    assert configuration.proxy == proxy
    assert connection.without_credentials(configuration).proxy == proxy
    assert configuration.client_session_kwargs["trust_env"] is False


async def test_a_key_of_the_kubeconfig_stays_in_no_file(
    kubeconfig: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the process ends: by a signal, or because completion waited for long enough."""
    authority = Authority(tmp_path)
    files, config = authority.server("me"), yaml.safe_load(Path(kubeconfig).read_text())
    texts = {"client-certificate-data": files.certificate.read_bytes(), "client-key-data": files.key.read_bytes()}
    config["users"][0]["user"] = {name: b64encode(text).decode() for name, text in texts.items()}
    Path(kubeconfig).write_text(yaml.safe_dump(config))
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))

    for _ in range(2):  # what was taken away is written anew
        async with connected_as_user(Settings(), kubeconfig=kubeconfig):
            assert list(place.iterdir()) == []


def test_the_command_line_imports_no_client_but_its_own() -> None:
    """What it does not need takes a fifth of the time in which packages are listed."""
    program = "import sys, packhouse.connected; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()

    assert {"kubernetes", "aiohttp"} <= set(loaded)
    assert {"requests", "oauthlib", "urllib3", "kopf", "oras", "rich"}.isdisjoint(loaded)


def test_whoever_imports_another_part_of_the_client_finds_it() -> None:
    from kubernetes.client import V1ObjectMeta

    assert V1ObjectMeta(name="web").name == "web"


async def test_a_kubeconfig_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")

    assert connection.namespace_of(missing) is None
    with pytest.raises(InvalidSpec, match=f"there is no kubeconfig {missing}; set KUBECONFIG"):
        await connection.load(missing)


@pytest.mark.parametrize("text", ["", "}{: x", "- a list", "a text", "contexts: 1\ncurrent-context: x", "\x00"])
async def test_a_file_that_is_no_kubeconfig_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)

    assert connection.namespace_of(str(file)) is None
    with pytest.raises(InvalidSpec, match="; set KUBECONFIG or pass --kubeconfig"):
        await connection.load(str(file))
