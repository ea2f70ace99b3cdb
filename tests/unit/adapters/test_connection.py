"""Which proxy leads to the API server. Real: the rules of the environment, as the standard library reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from packhouse.adapters import connection

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
