"""The page about git and http agrees with the code: its Secret is read, its steps are taken, its numbers are those."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import yaml

from fakes_registry import FakeRegistry
from fakes_sources import origins
from packhouse.adapters.git_ssh import known_keys
from packhouse.adapters.git_submodules import LEVELS_MOST, MODULES_MOST
from packhouse.adapters.git_urls import read_git_url
from packhouse.api.errors import BY_REASON
from packhouse.fetch import FETCHERS, Sources
from packhouse.fetch.entry_names import DEPTH_MOST, NAME_MOST, PATH_MOST
from packhouse.fetch.git_access import git_access
from packhouse.ports import Json

PAGE = (Path(__file__).parents[3] / "docs/howto/git-and-http.md").read_text()
BLOCKS: list[Any] = [
    document for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for document in yaml.safe_load_all(block)
]
STEPS: list[Json] = [block["spec"]["fetch"] for block in BLOCKS if "spec" in block]


async def test_the_secret_of_the_page_opens_the_repository_of_the_page(tmp_path: Path) -> None:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in BLOCKS[0]["stringData"].items()}

    async def read(name: str) -> Json:
        assert name == BLOCKS[0]["metadata"]["name"]
        return {"data": data}

    step = STEPS[0]["git"]
    given = Sources(origins(FakeRegistry(tmp_path, {}, {})), read, read, "packhouse-system", 1000)
    access = await git_access(step["url"], step, "git", given)
    url = read_git_url(step["url"])
    assert access.ssh_key
    assert [key.kind for key in known_keys(access.known_hosts, url.host, url.port)] == ["ssh-ed25519"]


def test_the_kinds_of_the_page_are_known() -> None:
    assert [list(step) for step in STEPS] == [["git"], ["http"]]
    assert {kind for step in STEPS for kind in step} <= set(FETCHERS)


def test_the_numbers_and_reasons_of_the_page_are_those_of_the_code() -> None:
    assert f"up to {MODULES_MOST} and five levels deep" in PAGE
    assert LEVELS_MOST == 5
    assert f"names over {NAME_MOST} and paths over {PATH_MOST:,} bytes, more than {DEPTH_MOST} folders" in PAGE
    reasons = set(re.findall(r"`([A-Z][a-z]+[A-Z][A-Za-z]+)`", PAGE))
    assert {"FetchLimitExceeded", "FetchFailed", "SignatureInvalid", "TlsFailed", "UnsupportedStep"} <= reasons
    assert reasons <= set(BY_REASON)
