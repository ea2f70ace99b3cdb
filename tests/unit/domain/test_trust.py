"""Who must have signed what: spec.verify of repositories, and the policy file of the settings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from packhouse.api.errors import InvalidSpec, PackhouseError, SecretMissing
from packhouse.domain.trust import predicate_matches, read_keys, read_rules, read_verify, secret_names
from packhouse.ports import Identity, Json, PublicKey, TrustPolicy

ONE = "-----BEGIN PUBLIC KEY-----\nMQ==\n-----END PUBLIC KEY-----\n"
TWO = "-----BEGIN PUBLIC KEY-----\nMg==\n-----END PUBLIC KEY-----\n"
WHO = "PackageRepository team"
NAMESPACE = "packhouse-system"


def secret(**data: str) -> Json:
    return {"data": {name.replace("_", "."): base64.b64encode(text.encode()).decode() for name, text in data.items()}}


def read(verify: Json, **secrets: Json) -> TrustPolicy:
    return read_verify(verify, WHO, secrets, NAMESPACE)


def by_key(name: str = "cosign", **more: Any) -> Json:
    return {"keys": [{"secretRef": {"name": name}}], **more}


# ---- spec.verify -----------------------------------------------------------------------------------------


def test_every_pub_key_of_a_secret_counts_and_nothing_else_of_it() -> None:
    policy = read(by_key(), cosign=secret(cosign_pub=ONE, old_pub=TWO, cosign_key="private", cosign_password="x"))
    assert policy == TrustPolicy(
        WHO,
        keys=(
            PublicKey(ONE, "Secret packhouse-system/cosign key cosign.pub"),
            PublicKey(TWO, "Secret packhouse-system/cosign key old.pub"),
        ),
    )


def test_a_key_can_be_named() -> None:
    verify = {"keys": [{"secretRef": {"name": "a", "key": "team.pem"}}, {"secretRef": {"name": "b"}}]}
    policy = read(verify, a=secret(team_pem=ONE, other_pub=TWO), b=secret(b_pub=TWO))
    assert [(key.pem, key.source.partition("/")[2]) for key in policy.keys] == [
        (ONE, "a key team.pem"),
        (TWO, "b key b.pub"),
    ]


def test_one_text_may_hold_several_keys() -> None:
    assert read_keys(f"# ours\n{ONE}\n{TWO}", "f") == (PublicKey(ONE, "f (key 1)"), PublicKey(TWO, "f (key 2)"))


def test_identities_attestations_and_the_root_are_read() -> None:
    verify = {
        "keyless": [
            {"issuer": "https://i", "subject": "s"},
            {"issuerRegExp": "https://.*", "subjectRegExp": ".*@example[.]com"},
        ],
        "attestations": [{"predicateType": "spdx"}, {"predicateType": "https://a/b"}, {"predicateType": "spdx"}],
        "trustedRootSecretRef": {"name": "root"},
    }
    assert read(verify, root=secret(trusted_root_json="x") | {"data": _root("{}")}) == TrustPolicy(
        WHO,
        identities=(
            Identity(issuer="https://i", subject="s"),
            Identity(issuer_reg_exp="https://.*", subject_reg_exp=".*@example[.]com"),
        ),
        attestations=("spdx", "https://a/b"),
        trusted_root="{}",
    )


def _root(text: str) -> dict[str, str]:
    return {"trusted_root.json": base64.b64encode(text.encode()).decode()}


def test_all_secrets_are_named_once() -> None:
    verify = by_key(trustedRootSecretRef={"name": "root"})
    verify["keys"] *= 2
    assert secret_names(verify) == ("cosign", "root")
    assert secret_names({"keyless": []}) == ()


BAD: list[Any] = [
    pytest.param(by_key(), {}, SecretMissing, "Secret packhouse-system/cosign does not exist", id="no secret"),
    pytest.param(
        by_key(), {"cosign": secret(cosign_key="k")}, SecretMissing, "has no key that ends in .pub", id="no public key"
    ),
    pytest.param(
        {"keys": [{"secretRef": {"name": "cosign", "key": "a.pub"}}]},
        {"cosign": secret(b_pub=ONE)},
        SecretMissing,
        "has no key a.pub",
        id="another key",
    ),
    pytest.param(
        by_key(), {"cosign": secret(a_pub="ssh-ed25519 A")}, InvalidSpec, "holds no public key in PEM", id="no PEM"
    ),
    pytest.param(by_key(), {"cosign": {"data": {"a.pub": "!"}}}, InvalidSpec, "is no text in base64", id="no base64"),
    pytest.param(
        by_key(), {"cosign": secret(a_pub=ONE * 1000)}, InvalidSpec, "public keys have 16384 at most", id="a crowd"
    ),
    pytest.param({"keys": [{}]}, {}, InvalidSpec, "has no secretRef.name", id="no reference"),
    pytest.param({}, {}, InvalidSpec, f"{WHO} names nobody who could sign", id="nobody"),
    pytest.param(
        {"attestations": [{"predicateType": "spdx"}]}, {}, InvalidSpec, "names nobody", id="attestations by nobody"
    ),
    pytest.param(
        {"keyless": [{"issuer": "i"}]}, {}, InvalidSpec, "exactly one of subject and subjectRegExp", id="no subject"
    ),
    pytest.param(
        {"keyless": [{"issuer": "i", "issuerRegExp": "i", "subject": "s"}]},
        {},
        InvalidSpec,
        "exactly one of issuer and issuerRegExp",
        id="two issuers",
    ),
    pytest.param(
        {"keyless": [{"issuer": "i", "subjectRegExp": "("}]},
        {},
        InvalidSpec,
        "subjectRegExp '(' is no regular expression",
        id="a broken expression",
    ),
    pytest.param(
        by_key(attestations=[{"predicateType": "sbom"}]),
        {"cosign": secret(a_pub=ONE)},
        InvalidSpec,
        "predicateType 'sbom' is neither an address nor one of slsaprovenance",
        id="an unknown short name",
    ),
    pytest.param(
        by_key(trustedRootSecretRef={"name": "root"}),
        {"cosign": secret(a_pub=ONE), "root": secret(a="b")},
        SecretMissing,
        "Secret packhouse-system/root has no key trusted_root.json",
        id="no root in the secret",
    ),
]


@pytest.mark.parametrize(("verify", "secrets", "kind", "words"), BAD)
def test_what_cannot_be_read_is_named(
    verify: Json, secrets: Mapping[str, Json], kind: type[PackhouseError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        read(verify, **secrets)
    assert words in caught.value.message


# ---- predicate types -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found", "matches"),
    [
        ("slsaprovenance", "https://slsa.dev/provenance/v0.2", True),
        ("slsaprovenance", "https://slsa.dev/provenance/v1", True),
        ("slsaprovenance1", "https://slsa.dev/provenance/v0.2", False),
        ("spdx", "https://spdx.dev/Document", True),
        ("spdx", "https://spdx.dev/Document/v2.3", True),
        ("cyclonedx", "https://cyclonedx.org/bom", True),
        ("cyclonedx", "https://cyclonedx.org/bomb", False),
        ("https://spdx.dev/Document", "https://spdx.dev/Document/v2.3", False),
        ("https://a/b", "https://a/b", True),
    ],
)
def test_short_names_stand_for_addresses_and_their_versions(wanted: str, found: str, matches: bool) -> None:
    assert predicate_matches(wanted, found) is matches


# ---- the policy file -------------------------------------------------------------------------------------

FILE = f"""
- prefix: registry.example.com
  keys: [{{file: keys/team.pub}}]
- prefix: registry.example.com/team/
  keyless: [{{issuer: "https://i", subject: s}}]
  attestations: [spdx, {{predicateType: "https://a/b"}}]
- prefix: registry.example.com/team/try
  unsigned: true
- prefix: index.docker.io/library
  keys:
  - |
    {ONE.replace(chr(10), chr(10) + "    ").rstrip()}
"""


def file_of(name: str) -> str:
    assert name == "keys/team.pub"
    return TWO


@pytest.mark.parametrize(
    ("repository", "prefix"),
    [
        pytest.param("registry.example.com/a", "registry.example.com", id="the host"),
        pytest.param("registry.example.com/team", "registry.example.com/team", id="the prefix itself"),
        pytest.param("registry.example.com/team/a/b", "registry.example.com/team", id="below it"),
        pytest.param("registry.example.com/teams", "registry.example.com", id="a longer name"),
        pytest.param("registry.example.com/team/try/a", None, id="what is left out"),
        pytest.param("docker.io/library/nginx", "docker.io/library", id="a name of Docker Hub"),
        pytest.param("registry.example.com:5000/a", None, id="another port"),
        pytest.param("registry.example.com:443/team/a", "registry.example.com/team", id="the port of https"),
        pytest.param("registry-1.docker.io:443/library/nginx", "docker.io/library", id="that of Docker Hub"),
        pytest.param("other.example.com/a", None, id="another host"),
    ],
)
def test_the_longest_prefix_counts_alone(repository: str, prefix: str | None) -> None:
    policy = read_rules(FILE, "F", file_of).policy_for(repository)
    assert (policy and policy.source) == (prefix and f"F, prefix {prefix}")


def test_a_rule_has_what_it_says() -> None:
    rules = read_rules(FILE, "F", file_of)
    team, hub = rules.policy_for("registry.example.com/team"), rules.policy_for("docker.io/library/a")
    assert team == TrustPolicy(
        "F, prefix registry.example.com/team",
        identities=(Identity(issuer="https://i", subject="s"),),
        attestations=("spdx", "https://a/b"),
    )
    assert hub is not None
    assert [key.pem for key in hub.keys] == [ONE]
    host = rules.policy_for("registry.example.com/a")
    assert host is not None
    assert host.keys == (PublicKey(TWO, "keys/team.pub"),)


def test_a_star_stands_for_everything_else() -> None:
    rules = read_rules("[{prefix: '*', keyless: [{issuer: i, subject: s}]}, {prefix: a.b/c, unsigned: true}]", "F", str)
    assert (rules.policy_for("x.y/z") is not None, rules.policy_for("a.b/c/d")) == (True, None)


@pytest.mark.parametrize(
    ("prefix", "repository"),
    [
        pytest.param("docker.io/nginx", "docker.io/library/nginx", id="an official image"),
        pytest.param("registry.example.com:443/a", "registry.example.com/a", id="the port of https"),
        pytest.param("localhost:5000", "localhost:5000/a", id="a host with a port"),
        pytest.param("oci-layout://", "oci-layout:///a/b", id="all layouts"),
        pytest.param("oci-layout:///a", "oci-layout:///a/b", id="a layout"),
    ],
)
def test_a_prefix_reaches_what_it_means(prefix: str, repository: str) -> None:
    rules = read_rules(f"[{{prefix: '{prefix}', keyless: [{{issuer: i, subject: s}}]}}]", "F", str)
    assert rules.policy_for(repository) is not None


@pytest.mark.parametrize("prefix", ["https://a.b/c", "team/web", "nginx", "a.b/c:1", "a.b/c:latest", "a.b/C", "a.b//c"])
def test_a_prefix_that_would_fit_nothing_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidSpec, match="must be a host, or a host and a path, without a scheme"):
        read_rules(f"[{{prefix: '{prefix}', unsigned: true}}]", "F", str)


def test_an_empty_file_asks_for_nothing() -> None:
    assert read_rules("", "F", str).policy_for("a/b") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: [", "F:2: no valid YAML", id="no YAML"),
        pytest.param("a: b", "the policy file must be a list", id="no list"),
        pytest.param("[{keys: []}]", "each rule is a map with a prefix", id="no prefix"),
        pytest.param("[{prefix: a.b}]", "F, prefix a.b names nobody who could sign", id="nobody"),
        pytest.param("[{prefix: a.b, key: x}]", "unknown fields key; it knows prefix", id="an unknown field"),
        pytest.param("[{prefix: a.b, keys: x}]", "keys must be a list", id="keys that are none"),
        pytest.param("[{prefix: a.b, keys: [{path: x}]}]", "a key is a text in PEM or a map with", id="a key's field"),
        pytest.param("[{prefix: a.b, unsigned: true, keys: []}]", "unsigned stands alone", id="both"),
        pytest.param(
            "[{prefix: a.b, unsigned: true}, {prefix: a.b/, unsigned: true}]", "prefix a.b occurs twice", id="twice"
        ),
        pytest.param("[{prefix: a.b, attestations: [1]}]", "is asked for by its predicateType", id="a number"),
    ],
)
def test_a_policy_file_that_cannot_be_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_rules(text, "F", file_of)
    assert words in caught.value.message
