"""The examples of the page about signatures are read as the operator reads them."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.adapters.cosign_keys import load_keys
from packhouse.domain import trust
from packhouse.ports import Json

PAGE = Path(__file__).parents[3] / "docs/howto/signatures.md"
KEY = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"


def examples() -> list[Any]:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [list(yaml.safe_load_all(block)) for block in blocks]


def stand_in(name: str) -> Json:
    texts = {"cosign.pub": KEY, trust.TRUSTED_ROOT_KEY: "{}"}
    return {"data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}}


def test_the_first_example_is_a_key_that_loads() -> None:
    (secret, repository), *_ = examples()
    data = {key: base64.b64encode(text.encode()).decode() for key, text in secret["stringData"].items()}
    policy = trust.read_verify(
        repository["spec"]["verify"], "PackageRepository team", {"team-keys": {"data": data}}, "packhouse-system"
    )
    (key,) = load_keys(policy.keys)
    assert key.source in PAGE.read_text()


def test_every_verify_of_the_page_is_a_policy() -> None:
    found = [doc["spec"]["verify"] for docs in examples() for doc in docs if "spec" in doc]
    assert len(found) == 3
    for verify in found:
        secrets = {name: stand_in(name) for name in trust.secret_names(verify)}
        assert trust.read_verify(verify, "PackageRepository team", secrets, "packhouse-system").source


def test_the_policy_file_of_the_page_is_read() -> None:
    (text,) = (
        block for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if block.startswith("- prefix")
    )
    rules = trust.read_rules(text, "F", lambda name: KEY)
    assert len(rules.rules) == len(yaml.safe_load(text))
    star = rules.policy_for("other.example.com/a")
    assert star is not None
    load_keys(star.keys)


def test_every_short_name_is_on_the_page() -> None:
    listed = re.search(r"\| short name .*?\n\n", PAGE.read_text(), re.DOTALL)
    assert listed is not None
    names = list(re.findall(r"`([a-z0-9]+)`", listed[0]))
    for name in names:
        assert trust.predicate_matches(name, name) is False
    with pytest.raises(Exception, match="neither an address nor one of") as caught:
        trust.read_rules("[{prefix: a.b, attestations: [nothing]}]", "F", str)
    known = str(caught.value).rpartition("one of ")[2].split(", ")
    assert sorted(names) == sorted(known)
