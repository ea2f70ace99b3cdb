"""Fetch step `image`: all layers of an OCI image or artifact, or a folder of them.

What it does to find, verify and pull an image is used by `imgpkgBundle` and `helmChart`, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from packhouse.api.errors import FetchFailed, InvalidSpec
from packhouse.domain.references import ImageReference, read_reference
from packhouse.fetch.access import registry_access
from packhouse.fetch.folders import kept, sub_path_of
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields, text_field
from packhouse.fetch.tags import choose_tag
from packhouse.fetch.verify import verified
from packhouse.ports import Access, Json

_KIND: Final = "image"
_KNOWN: Final = ("url", "secretRef", "subPath", "tagSelection")


@dataclass(frozen=True, slots=True)
class Image:
    """The image of one step: its reference (without a tag where one is to be chosen), and how its registry is reached.

    `stanza` holds secretRef, and tagSelection where there is one.
    """

    reference: ImageReference
    access: Access
    stanza: Json
    kind: str

    @classmethod
    async def of(cls, text: str, stanza: Json, kind: str, sources: Sources) -> Image:
        """Errors: InvalidSpec, SecretMissing, AuthenticationFailed (a Secret that holds no credentials)."""
        reference = read_reference(text)
        if stanza.get("tagSelection") is not None:
            if reference.digest is not None or (reference.tag is not None and text.endswith(f":{reference.tag}")):
                raise InvalidSpec(f"fetch step {kind}: {text} names a tag or a digest beside tagSelection: keep one")
            reference = replace(reference, tag=None)
        return cls(reference, await registry_access(reference.repository, stanza, kind, sources), stanza, kind)

    async def resolve(self, sources: Sources) -> Resolved:
        """What it stands for now, its signature verified where somebody asks for one."""
        reference = self.reference
        selection = self.stanza.get("tagSelection")
        if selection is not None:
            tag = await choose_tag(reference, selection, self.kind, self.access, sources)
            reference = replace(reference, tag=tag)
        digest = await sources.origins.registry.resolve(
            str(reference), self.access, fresh_seconds=sources.fresh_seconds
        )
        found = reference.at(digest)
        return Resolved(digest, found.tag, str(found), await verified(_by_digest(found), self.access, sources))

    async def pull(self, sources: Sources, resolved: Resolved) -> Content:
        """The whole tree of what it was resolved to. FetchFailed where that is not the digest that the step names."""
        if self.reference.digest not in (None, resolved.digest):
            raise FetchFailed(f"{self.reference}: {resolved.digest[:80]!r} is not what this step stands for")
        found = replace(self.reference, digest=resolved.digest, tag=None)
        await verified(
            _by_digest(found), self.access, sources
        )  # what a Resolution recorded may be older than who must sign
        tree = await sources.origins.registry.pull(str(found), self.access)
        return Content(tree.digest, resolved.version, tree.root)


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    sub_path_of(stanza, _KIND)
    return await (await _image(stanza, sources)).resolve(sources)


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    content = await (await _image(stanza, sources)).pull(sources, resolved)
    return await kept(content, sub_path_of(stanza, _KIND), f"fetch step image: {stanza['url']}")


async def _image(stanza: Json, sources: Sources) -> Image:
    check_fields(stanza, _KIND, _KNOWN)
    return await Image.of(text_field(stanza, _KIND, "url"), stanza, _KIND, sources)


def _by_digest(reference: ImageReference) -> str:
    return str(replace(reference, tag=None))
