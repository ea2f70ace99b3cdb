"""The user's docker login: the config of docker, which podman and others write too."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packhouse.api.errors import AuthenticationFailed
from packhouse.fetch.credentials import Keyring
from packhouse.ports import Json


@dataclass(frozen=True, slots=True)
class DockerLogin:
    """`config` as it was read; `helped`: passwords are left to helper programs, which are not asked."""

    path: Path
    config: Any

    @property
    def keyring(self) -> Keyring:
        """Raises AuthenticationFailed."""
        return Keyring.from_docker_config(self.config, str(self.path))

    @property
    def helped(self) -> bool:
        return isinstance(self.config, dict) and bool(self.config.get("credsStore") or self.config.get("credHelpers"))

    def as_secret(self) -> Json:
        """The same as a pull Secret."""
        return {"data": {".dockerconfigjson": b64encode(json.dumps(self.config).encode()).decode()}}


def docker_login() -> DockerLogin:
    """From $DOCKER_CONFIG or ~/.docker. Raises AuthenticationFailed where it cannot be read."""
    path = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        return DockerLogin(path, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return DockerLogin(path, {})
    except (OSError, ValueError) as error:
        raise AuthenticationFailed(f"{path} cannot be read ({type(error).__name__})") from error
