"""The page about registries agrees with the code: its examples are read, and its reasons are those of the tables."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import yaml

from packhouse.adapters.network_errors import FOREIGN, of_status
from packhouse.api.errors import BY_REASON, DigestMismatch, FetchLimitExceeded, HostRefused
from packhouse.domain.mirrors import Mirrors
from packhouse.domain.references import read_reference
from packhouse.fetch.credentials import Keyring

PAGE = (Path(__file__).parents[3] / "docs/howto/registries.md").read_text()


def test_the_secret_of_the_page_holds_credentials_for_each_of_its_hosts() -> None:
    secret, repository = yaml.safe_load_all(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])  # type: ignore[index]
    data = {key: base64.b64encode(text.encode()).decode() for key, text in secret["stringData"].items()}
    keyring = Keyring.read({"data": data}, "Secret packhouse-system/team-registry")
    image = read_reference(repository["spec"]["fetch"]["imgpkgBundle"]["image"])
    found = {
        name: keyring.match(name) for name in (image.repository, "registry.example.com/other", "team.azurecr.io/x")
    }
    assert [(one.username, bool(one.token)) for one in found.values() if one is not None] == [
        ("reader", False),
        ("other", False),
        ("0000", True),
    ]


def test_the_mirrors_of_the_page_are_read() -> None:
    text = re.search(r"^PACKHOUSE_REGISTRY_MIRRORS=(.*)$", PAGE, re.MULTILINE)
    assert text is not None
    moved = Mirrors.read(text[1].split(",")).of(read_reference("registry.example.com/team/web:1.0.0"))
    assert str(moved) == "mirror.inside.example/copies/team/web:1.0.0"
    assert f"`{moved}`" in PAGE


def test_every_reason_that_a_registry_gives_is_in_the_table() -> None:
    listed = {BY_REASON[name] for name in re.findall(r"^\| `([A-Z]\w+)` \|", PAGE, re.MULTILINE)}
    given = {row.ours for row in FOREIGN} | {of_status(status)[0] for status in (400, 401, 403, 404, 429, 500, 503)}
    assert listed == given | {DigestMismatch, FetchLimitExceeded, HostRefused}
