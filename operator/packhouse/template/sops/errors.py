"""The two things that may be wrong with an encrypted file, each with the file in its message."""

from __future__ import annotations

from packhouse.api.errors import TemplateFailed, UnsupportedStep


def refused(file: str, why: str) -> TemplateFailed:
    return TemplateFailed(f"template step sops: {file}: {why}")


def unsupported(file: str, why: str) -> UnsupportedStep:
    return UnsupportedStep(f"template step sops: {file}: {why}")
