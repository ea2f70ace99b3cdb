"""Reads who must have signed what: `spec.verify` of a PackageRepository, and the policy file of the settings.

Pure; called by reconcile/ (with Secrets that it read) and by adapters/cosign.py (with the file's text). What it gives
is a TrustPolicy; whether content satisfies it is the adapter's to find out. Keys are public, so messages may name them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from packhouse.api.errors import InvalidSpec, SecretMissing
from packhouse.domain.references import DOCKER_HUB, DOCKER_HUB_NAMES, OCI_LAYOUT, read_reference
from packhouse.domain.yaml_text import load_all
from packhouse.ports import Identity, Json, PublicKey, TrustPolicy

#: The prefix that stands for every repository.
ANY: Final = "*"
TRUSTED_ROOT_KEY: Final = "trusted_root.json"

_PUBLIC_KEYS: Final = re.compile(r"-----BEGIN ([A-Z ]*PUBLIC KEY)-----.+?-----END \1-----", re.DOTALL)
_KEY_SUFFIX: Final = ".pub"
_KEY_MOST: Final = 16 * 1024  # characters of one text of keys
_IDENTITY_FIELDS: Final = (("issuer", "issuerRegExp"), ("subject", "subjectRegExp"))
_HTTPS_PORT: Final = ":443"
_RULE_FIELDS: Final = ("prefix", "keys", "keyless", "attestations", "unsigned")

#: Short names of predicate types. Each stands for its address and for the versions below it.
_PREDICATES: Final[Mapping[str, str]] = {
    "slsaprovenance": "https://slsa.dev/provenance",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": "https://slsa.dev/provenance/v1",
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "cyclonedx": "https://cyclonedx.org/bom",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
    "openvex": "https://openvex.dev/ns",
    "link": "https://in-toto.io/Link/v1",
    "custom": "https://cosign.sigstore.dev/attestation/v1",
}


def predicate_matches(wanted: str, found: str) -> bool:
    """Whether a statement of type `found` is one that a policy asks for: by its whole address or by a short name."""
    address = _PREDICATES.get(wanted)
    if address is None:
        return wanted == found
    return found == address or found.startswith(f"{address}/v")


# ---- spec.verify -----------------------------------------------------------------------------------------


def secret_names(verify: Json) -> tuple[str, ...]:
    """The Secrets that `spec.verify` names, each once."""
    named = [(entry.get("secretRef") or {}).get("name") for entry in verify.get("keys") or ()]
    named.append((verify.get("trustedRootSecretRef") or {}).get("name"))
    return tuple(dict.fromkeys(name for name in named if name))


def read_verify(verify: Json, source: str, secrets: Mapping[str, Json], place: str) -> TrustPolicy:
    """`spec.verify` as a policy.

    `source` says whose wish it is ("PackageRepository team"), `secrets` are those of `secret_names` as the cluster
    holds them, `place` is their namespace. Errors: InvalidSpec, SecretMissing (a Secret without what is wanted of it).
    """
    keys = [
        key
        for entry in verify.get("keys") or ()
        for key in _keys_of_secret(entry.get("secretRef") or {}, secrets, place, source)
    ]
    root = (verify.get("trustedRootSecretRef") or {}).get("name")
    policy = TrustPolicy(
        source=source,
        keys=tuple(keys),
        identities=_identities(verify.get("keyless"), source),
        attestations=_attestations(verify.get("attestations"), source),
        trusted_root=_text(secrets, root, TRUSTED_ROOT_KEY, place) if root else "",
    )
    return _somebody(policy)


def _keys_of_secret(ref: Json, secrets: Mapping[str, Json], place: str, source: str) -> Iterator[PublicKey]:
    name, key = ref.get("name"), ref.get("key")
    if not isinstance(name, str) or not name:
        raise InvalidSpec(f"{source}: an entry of verify.keys has no secretRef.name")
    wanted = [key] if key else [one for one in _data(secrets, name, place) if one.endswith(_KEY_SUFFIX)]
    if not wanted:
        raise SecretMissing(
            f"Secret {place}/{name} has no key that ends in {_KEY_SUFFIX}, and {source} takes its public keys from it; "
            "add cosign.pub, or name the key in verify.keys[].secretRef.key"
        )
    for one in sorted(wanted):
        yield from read_keys(_text(secrets, name, one, place), f"Secret {place}/{name} key {one}")


def _data(secrets: Mapping[str, Json], name: str, place: str) -> Mapping[str, str]:
    secret = secrets.get(name)
    if secret is None:
        raise SecretMissing(f"Secret {place}/{name} does not exist, and signatures are checked by it; create it")
    data = secret.get("data")
    return data if isinstance(data, Mapping) else {}


def _text(secrets: Mapping[str, Json], name: str, key: str, place: str) -> str:
    encoded = _data(secrets, name, place).get(key)
    if encoded is None:
        raise SecretMissing(f"Secret {place}/{name} has no key {key}, and signatures are checked by it; add it")
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, TypeError, ValueError):
        raise InvalidSpec(f"Secret {place}/{name} key {key} is no text in base64") from None


def read_keys(text: str, source: str) -> tuple[PublicKey, ...]:
    """The public keys of a text in PEM, one or several. Errors: InvalidSpec."""
    if len(text) > _KEY_MOST:
        raise InvalidSpec(f"{source} has {len(text)} characters: public keys have {_KEY_MOST} at most")
    found = [match.group(0) + "\n" for match in _PUBLIC_KEYS.finditer(text)]
    if not found:
        raise InvalidSpec(
            f"{source} holds no public key in PEM (-----BEGIN PUBLIC KEY-----); it is the file cosign.pub that "
            "`cosign generate-key-pair` writes"
        )
    if len(found) == 1:
        return (PublicKey(found[0], source),)
    return tuple(PublicKey(pem, f"{source} (key {number})") for number, pem in enumerate(found, start=1))


def _identities(entries: Any, source: str) -> tuple[Identity, ...]:
    return tuple(_identity(entry, source) for entry in _list(entries, "keyless", source))


def _identity(entry: Any, source: str) -> Identity:
    fields = entry if isinstance(entry, Mapping) else {}
    for exact, expression in _IDENTITY_FIELDS:
        given = [name for name in (exact, expression) if _is_text(fields.get(name))]
        if len(given) != 1:
            raise InvalidSpec(f"{source}: a keyless identity needs exactly one of {exact} and {expression}: name one")
        if expression in given:
            try:
                re.compile(fields[expression])
            except (re.error, RecursionError, OverflowError) as error:
                raise InvalidSpec(
                    f"{source}: {expression} {fields[expression]!r} is no regular expression ({error})"
                ) from None
    return Identity(
        issuer=fields.get("issuer") or "",
        issuer_reg_exp=fields.get("issuerRegExp") or "",
        subject=fields.get("subject") or "",
        subject_reg_exp=fields.get("subjectRegExp") or "",
    )


def _attestations(entries: Any, source: str) -> tuple[str, ...]:
    found = []
    for entry in _list(entries, "attestations", source):
        kind = entry.get("predicateType") if isinstance(entry, Mapping) else entry
        if not _is_text(kind):
            raise InvalidSpec(f"{source}: an attestation is asked for by its predicateType")
        if ":" not in kind and kind not in _PREDICATES:
            raise InvalidSpec(
                f"{source}: predicateType {kind!r} is neither an address nor one of {', '.join(_PREDICATES)}"
            )
        found.append(kind)
    return tuple(dict.fromkeys(found))


def _list(entries: Any, name: str, source: str) -> Sequence[Any]:
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise InvalidSpec(f"{source}: {name} must be a list")
    return entries


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _somebody(policy: TrustPolicy) -> TrustPolicy:
    if not policy.keys and not policy.identities:
        raise InvalidSpec(f"{policy.source} names nobody who could sign: give keys or keyless identities")
    return policy


# ---- the policy file of the settings ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts for the repositories at and below `prefix`. `policy` None: nothing is asked of them."""

    prefix: str
    policy: TrustPolicy | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy file: of the rules that fit a repository the one with the longest prefix counts, alone."""

    rules: Sequence[Rule] = ()

    def policy_for(self, repository: str) -> TrustPolicy | None:
        """`repository` is host/path, as ImageReference has it."""
        names = _names(repository)
        fitting = [rule for rule in self.rules if any(_covers(rule.prefix, name) for name in names)]
        best = max(fitting, key=lambda rule: (rule.prefix != ANY, len(rule.prefix)), default=None)
        return best.policy if best is not None else None


def _names(repository: str) -> tuple[str, ...]:
    """All by which a rule may mean host/path: the port that https has anyway is none, and who writes docker.io/nginx
    means library/nginx."""
    host, slash, path = repository.partition("/")
    host = host.removesuffix(_HTTPS_PORT)
    name = f"{DOCKER_HUB if host in DOCKER_HUB_NAMES else host}{slash}{path}"
    official = f"{DOCKER_HUB}/library/"
    return (name, f"{DOCKER_HUB}/{path.removeprefix('library/')}") if name.startswith(official) else (name,)


def _covers(prefix: str, repository: str) -> bool:
    return prefix == ANY or repository == prefix or repository.startswith(f"{prefix}/")


def read_rules(text: str, source: str, read_file: Callable[[str], str]) -> Rules:
    """The policy file: a list of rules, each with a prefix and what is asked there.

    `read_file` reads a file of keys that an entry names, or raises InvalidSpec. Errors: InvalidSpec.
    """
    documents = load_all(text, source, InvalidSpec)
    entries = [entry for _, document in documents for entry in _list(document, "the policy file", source)]
    rules = [_rule(entry, source, read_file) for entry in entries]
    twice = {rule.prefix for rule in rules if sum(rule.prefix == other.prefix for other in rules) > 1}
    if twice:
        raise InvalidSpec(f"{source}: prefix {min(twice)} occurs twice; write one rule with all keys")
    return Rules(tuple(rules))


def _rule(entry: Any, source: str, read_file: Callable[[str], str]) -> Rule:
    if not isinstance(entry, Mapping) or not _is_text(entry.get("prefix")):
        raise InvalidSpec(f"{source}: each rule is a map with a prefix, such as registry.example.com/team")
    prefix = _prefix(entry["prefix"], source)
    words = f"{source}, prefix {prefix}"
    unknown = sorted(map(str, set(entry) - set(_RULE_FIELDS)))
    if unknown:
        raise InvalidSpec(f"{words}: unknown fields {', '.join(unknown)}; it knows {', '.join(_RULE_FIELDS)}")
    if entry.get("unsigned") is True:
        if set(entry) != {"prefix", "unsigned"}:
            raise InvalidSpec(f"{words}: unsigned stands alone: nothing is asked there")
        return Rule(prefix, None)
    policy = TrustPolicy(
        source=words,
        keys=tuple(
            key for one in _list(entry.get("keys"), "keys", words) for key in _keys_of_file(one, words, read_file)
        ),
        identities=_identities(entry.get("keyless"), words),
        attestations=_attestations(entry.get("attestations"), words),
    )
    return Rule(prefix, _somebody(policy))


def _prefix(text: str, source: str) -> str:
    """As ImageReference has repositories: all names of Docker Hub are one, hosts are lower-case. InvalidSpec for what
    would fit nothing: a rule that nobody is held to is worse than none."""
    whole = text.rstrip("/")
    if whole == ANY or f"{whole}//" == OCI_LAYOUT:
        return whole
    host, slash, path = whole.partition("/")
    try:
        known = read_reference(whole if path else f"{whole}/x/x")
        if known.digest or known.tag not in (None, "latest") or whole.endswith(":latest"):
            raise InvalidSpec("a tag or a digest")
        if not known.is_layout and host != "localhost" and not any(sign in host for sign in ".:"):
            raise InvalidSpec("no host")
    except InvalidSpec:
        raise InvalidSpec(
            f"{source}: prefix {text!r} must be a host, or a host and a path, without a scheme, a tag or a digest"
        ) from None
    return known.repository if known.is_layout else _names(f"{known.host}{slash}{path}")[0]


def _keys_of_file(entry: Any, words: str, read_file: Callable[[str], str]) -> tuple[PublicKey, ...]:
    if _is_text(entry):
        return read_keys(entry, f"a key of {words}")
    if isinstance(entry, Mapping) and set(entry) == {"file"} and _is_text(entry["file"]):
        return read_keys(read_file(entry["file"]), entry["file"])
    raise InvalidSpec(f"{words}: a key is a text in PEM or a map with `file`")
