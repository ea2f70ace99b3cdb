"""The port Signatures: whether an image is signed as a policy wants, by what cosign wrote beside it.

cosign_found.py finds and reads, cosign_keys.py and cosign_keyless.py check, and this room decides: which claims count
(those that name the very digest), what is still missing, and what a refusal says. A yes is remembered on disk beside
the cache, per repository, digest and policy: content that was good stays good while its registry is away.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packhouse.adapters import cosign_keyless, cosign_keys
from packhouse.adapters.cosign_found import Fault, Signed, found
from packhouse.api.errors import FetchLimitExceeded, InvalidSpec, SignatureInvalid
from packhouse.domain.references import ImageReference, read_reference
from packhouse.domain.statements import SIGNATURE
from packhouse.domain.trust import Rules, predicate_matches, read_rules
from packhouse.fetch.remembered import Remembered
from packhouse.ports import Access, Identity, Registry, TrustPolicy
from packhouse.settings import PREFIX, Settings

if TYPE_CHECKING:
    from sigstore.verify import Verifier

_FAULTS_TOLD: Final = 5
_FILE_MOST_BYTES: Final = 1024 * 1024
_POLICY_FILE: Final = f"{PREFIX}VERIFY_POLICY_FILE"
_ROOT_FILE: Final = f"{PREFIX}TRUSTED_ROOT_FILE"


class CosignSignatures:
    """Errors: those of the port; InvalidSpec when it is made, where the settings' files cannot be used."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._registry = registry
        self._rules = _rules(settings.verify_policy_file)
        self._root = _read(settings.trusted_root_file, _ROOT_FILE) if settings.trusted_root_file else ""
        self._remembered = Remembered(settings.cache_dir / "verified")
        self._verifiers: dict[str, Verifier] = {}
        self._turns = asyncio.Semaphore(settings.fetch_parallel)  # each may hold some statement in memory
        self._seconds = settings.fetch_timeout_seconds

    def required(self, repository: str) -> TrustPolicy | None:
        return self._rules.policy_for(repository)

    async def verify(self, image: str, access: Access, policy: TrustPolicy) -> str:
        reference = read_reference(image)
        if reference.digest is None:
            raise InvalidSpec(f"{image}: signatures are of digests, and it names none")
        root = policy.trusted_root or self._root
        question = f"{reference.repository}@{reference.digest} {_mark(policy, root)}"
        return await self._remembered.answer(question, lambda: self._in_turn(reference, access, policy, root))

    async def _in_turn(self, image: ImageReference, access: Access, policy: TrustPolicy, root: str) -> str:
        """Whoever may push there decides how much there is to look at, and others wait for their turn."""
        async with self._turns:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._ask(image, access, policy, root)
            except TimeoutError:
                raise FetchLimitExceeded(
                    f"{image.repository}@{image.digest}: what lies beside it was not looked through for signatures "
                    f"within {self._seconds:g} s (PACKHOUSE_FETCH_TIMEOUT_SECONDS)"
                ) from None

    async def _ask(self, image: ImageReference, access: Access, policy: TrustPolicy, root: str) -> str:
        checker = await asyncio.to_thread(self._checker, policy, root)
        search = _Search(image, policy, checker)
        async with aclosing(found(self._registry, image, access, search.wants)) as signatures:
            async for one in signatures:
                if isinstance(one, Fault):
                    search.faults.append(one.words)
                elif search.concerns(one):
                    await asyncio.to_thread(search.look, one)
                if not search.missing:
                    break
        return search.answer()

    def _checker(self, policy: TrustPolicy, root: str) -> _Checker:
        """Blocks: reading a trusted root loads a large library, once."""
        keys = cosign_keys.load_keys(policy.keys)
        if not policy.identities:
            return _Checker(keys, (), None)
        if not root:
            raise InvalidSpec(
                f"{policy.source} names keyless identities, and there is no trusted root to check them by: set "
                f"{_ROOT_FILE}, or trustedRootSecretRef of the repository's verify"
            )
        mark = hashlib.sha256(root.encode()).hexdigest()
        verifier = self._verifiers.get(mark)
        if verifier is None:
            source = f"the trusted root of {policy.source}" if policy.trusted_root else _ROOT_FILE
            verifier = self._verifiers[mark] = cosign_keyless.load_verifier(root, source)
        return _Checker(keys, policy.identities, verifier)


@dataclass(frozen=True, slots=True)
class _Checker:
    keys: Sequence[cosign_keys.LoadedKey]
    identities: Sequence[Identity]
    verifier: Verifier | None

    def signer(self, signed: Signed) -> str:
        """Words for who made the signature, one whom the policy names. Raises NotProven. Blocks."""
        key = cosign_keys.signer(self.keys, signed.message, signed.signature)
        if key is not None:
            return f"key {key}"
        if not signed.has_certificate:
            raise cosign_keyless.NotProven("it was made by another key")
        if self.verifier is None:
            raise cosign_keyless.NotProven("it was made without a key, and the policy names keys alone")
        return cosign_keyless.signer(self.verifier, self.identities, signed)


@dataclass(slots=True)
class _Search:
    """What is still missing of what a policy wants of one image."""

    image: ImageReference
    policy: TrustPolicy
    checker: _Checker
    missing: list[str] = field(init=False)
    signers: dict[str, str] = field(default_factory=dict)  # by what is wanted
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.missing = self._all

    @property
    def _all(self) -> list[str]:
        return [SIGNATURE, *self.policy.attestations]

    def wants(self, predicate_type: str) -> bool:
        return any(_answers(wanted, predicate_type) for wanted in self.missing)

    def concerns(self, signed: Signed) -> bool:
        """Whether it speaks of this image, and says what is still missing."""
        if not self.wants(signed.claim.predicate_type):
            return False
        if self.image.digest in signed.claim.digests:
            return True
        other = ", ".join(sorted(signed.claim.digests)[:2]) or "nothing"
        self.faults.append(f"{signed.where}: it speaks of {other}")
        return False

    def look(self, signed: Signed) -> None:
        try:
            signer = self.checker.signer(signed)
        except cosign_keyless.NotProven as no:
            self.faults.append(f"{signed.where}: {no}")
            return
        answered = [wanted for wanted in self.missing if _answers(wanted, signed.claim.predicate_type)]
        self.signers.update(dict.fromkeys(answered, signer))
        self.missing = [wanted for wanted in self.missing if wanted not in answered]

    def answer(self) -> str:
        if not self.missing:
            # in the policy's order, and not as they were found: status says the same each time
            return ", ".join(dict.fromkeys(self.signers[wanted] for wanted in self._all))
        lacking = " and ".join(_words(wanted) for wanted in self.missing)
        told = "; ".join(self.faults[:_FAULTS_TOLD])
        more = len(self.faults) - _FAULTS_TOLD
        raise SignatureInvalid(
            f"{self.image.repository}@{self.image.digest}: {self.policy.source} wants {lacking} by "
            f"{_somebody(self.policy)}; found: {told or 'none'}{f'; and {more} more' if more > 0 else ''}; "
            "sign it with cosign, or change who is trusted"
        )


def _answers(wanted: str, predicate_type: str) -> bool:
    return wanted == predicate_type if wanted == SIGNATURE else predicate_matches(wanted, predicate_type)


def _words(wanted: str) -> str:
    return "a signature" if wanted == SIGNATURE else f"an attestation {wanted}"


def _somebody(policy: TrustPolicy) -> str:
    names = [f"key {key.source}" for key in policy.keys]
    for one in policy.identities:
        subject = one.subject or f"/{one.subject_reg_exp}/"
        names.append(f"{subject} (issuer {one.issuer or f'/{one.issuer_reg_exp}/'})")
    return " or ".join(names)


def _mark(policy: TrustPolicy, root: str) -> str:
    """Names what is wanted, so that a yes counts for just that. The keys are public, yet they stay out of the file."""
    wanted = {
        "keys": [asdict(key) for key in policy.keys],
        "identities": [asdict(identity) for identity in policy.identities],
        "attestations": sorted(policy.attestations),
        "root": root if policy.identities else "",
    }
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def _rules(path: str) -> Rules:
    if not path:
        return Rules()
    folder = Path(path).parent
    return read_rules(
        _read(path, _POLICY_FILE), _POLICY_FILE, lambda name: _read(str(folder / name), f"{_POLICY_FILE}: file {name}")
    )


def _read(path: str, source: str) -> str:
    """Errors: InvalidSpec."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_FILE_MOST_BYTES + 1)
    except OSError as error:
        raise InvalidSpec(f"{source}: {path} cannot be read ({error.strerror})") from None
    if len(data) > _FILE_MOST_BYTES:
        raise InvalidSpec(f"{source}: {path} has more than {_FILE_MOST_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidSpec(f"{source}: {path} is no text in UTF-8") from None
