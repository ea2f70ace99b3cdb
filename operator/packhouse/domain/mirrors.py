"""Where references of a prefix are read from instead, as the settings say it: "registry.example/a=mirror.example/b".

Pure. Called by the registry adapter, before it asks for anything, and by whoever looks for credentials. What is
pushed is never redirected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from packhouse.api.errors import InvalidSpec
from packhouse.domain.references import ImageReference, read_reference


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Prefix -> prefix, both as (host, path); a prefix ends at a slash, and the longest one counts."""

    rules: Sequence[tuple[tuple[str, str], tuple[str, str]]] = ()

    @classmethod
    def read(cls, texts: Sequence[str]) -> Mirrors:
        """Raises InvalidSpec with the text that cannot be read."""
        rules = []
        for text in texts:
            prefix, sign, mirror = text.partition("=")
            if not sign:
                raise InvalidSpec(f"PACKHOUSE_REGISTRY_MIRRORS: {text!r} is not prefix=mirror")
            rules.append((_prefix(prefix.strip(), text), _prefix(mirror.strip(), text)))
        return cls(tuple(sorted(rules, key=lambda rule: -len(rule[0][1]))))

    def of(self, reference: ImageReference) -> ImageReference:
        """What is asked for in place of `reference`: only the mirror is asked, since the other may be out of reach."""
        for (host, path), (mirror_host, mirror_path) in self.rules:
            if host == reference.host and _below(reference.path, path):
                rest = reference.path[len(path) :].strip("/")
                moved = "/".join(part for part in (mirror_path, rest) if part)
                return replace(reference, host=mirror_host, path=moved)
        return reference

    def repository(self, repository: str) -> str:
        """The same for host/path."""
        return self.of(read_reference(repository)).repository


def _below(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def _prefix(text: str, whole: str) -> tuple[str, str]:
    """host or host/path, read as a reference would be."""
    host, _, path = text.rstrip("/").partition("/")
    try:
        known = read_reference(f"{host}/{path or 'x/x'}")
        # only what has a host of its own is a prefix: "a/b" would be one of Docker Hub
        if not any(sign in host for sign in ".:") and host != "localhost":
            raise InvalidSpec("no host")
        if path and (known.tag != "latest" or known.digest):
            raise InvalidSpec("a tag")
    except InvalidSpec:
        raise InvalidSpec(
            f"PACKHOUSE_REGISTRY_MIRRORS: {whole!r}: each side must be host or host/path, without a tag"
        ) from None
    return known.host, path
