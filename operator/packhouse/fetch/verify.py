"""Whether content that a step is about to use is signed as its repository and the settings want it.

Called by the steps that read OCI content (image, imgpkgBundle, helmChart with oci://), at `resolve` and again at
`fetch`: a digest that comes from status was maybe recorded under another policy. A yes is remembered, so the second
question costs nothing, and neither do later ones while a registry is away. Steps whose source carries no signatures
call `refuse_unpinned`.
"""

from __future__ import annotations

from packhouse.api.errors import SignatureInvalid
from packhouse.domain.references import read_reference
from packhouse.fetch.sources import Sources
from packhouse.ports import Access, TrustPolicy


def policies(repository: str, sources: Sources) -> list[TrustPolicy]:
    """All that hold for host/path: that of the PackageRepository, and that of the settings."""
    both = (sources.policy(repository), sources.origins.signatures.required(repository))
    return [policy for policy in both if policy is not None]


async def verified(image: str, access: Access, sources: Sources) -> str:
    """Who signed `image` (host/path@digest), in words; "" where nobody asks.

    Errors: SignatureInvalid, InvalidSpec, those of Registry.
    """
    wanted = policies(read_reference(image).repository, sources)
    found = [await sources.origins.signatures.verify(image, access, policy) for policy in wanted]
    return "; ".join(dict.fromkeys(found))


def refuse_unpinned(what: str, lever: str, sources: Sources) -> None:
    """For content that nobody signs and that its step does not name by a digest: SignatureInvalid where the repository
    asks for signatures.

    What a signed catalogue pins (http with sha256, git with a whole commit, inline) is signed with it, and its step
    does not call this. `what` is the source, `lever` what would pin it: "give sha256".
    """
    policy = sources.policy(what)
    if policy is not None:
        raise SignatureInvalid(
            f"{what}: {policy.source} wants signed content, and this is neither signed nor named by a digest; {lever}"
        )
