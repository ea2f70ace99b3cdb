"""Every tunable, with its unit in the name, read once from the environment (PACKHOUSE_ + the field's name).

docs/howto/settings.md lists them. A value that cannot be read ends the program with a sentence, at start.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
PREFIX = "PACKHOUSE_"
#: How many work at the same time: with none, everything would wait for ever.
AT_LEAST_ONE = frozenset(
    {"reconcile_workers", "requests_in_flight", "apply_parallel", "fetch_parallel", "render_workers"}
)


class SettingsInvalid(ValueError):
    """A variable of the environment cannot be read as what it should be."""


def _default_cache() -> Path:
    return Path(tempfile.gettempdir()) / f"packhouse-{os.getuid()}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults are those of docs/howto/settings.md."""

    # where the operator lives
    operator_namespace: str = "packhouse-system"  # secretRef of a PackageRepository is read here
    cache_dir: Path = field(default_factory=_default_cache)
    renderer_socket: str = ""  # empty: start `packhouse renderer` as a child process
    health_port: int = 0  # 0: no health endpoint
    log_format: str = "console"  # console or json
    log_level: str = "info"

    # the queue
    reconcile_workers: int = 8
    waiting_most: int = 128  # installs that only wait for their objects; they take no worker
    backoff_first_seconds: float = 1.0
    backoff_most_seconds: float = 300.0
    jitter_ratio: float = 0.1

    # the cluster
    request_timeout_seconds: float = 30.0
    request_retries: int = 4
    requests_in_flight: int = 16
    apply_parallel: int = 16  # objects of one install, within a wave
    watch_timeout_seconds: int = 290
    token_lifetime_seconds: int = 3600

    # deletion
    deletion_deadline_seconds: float = 600.0
    cleanup_service_account: str = ""  # "namespace/name"; empty: none

    # sources
    registry_timeout_seconds: float = 20.0  # connect, and between two reads
    fetch_timeout_seconds: float = 120.0  # a whole fetch
    fetch_parallel: int = 4
    bundle_compressed_most_bytes: int = 256 * MIB
    bundle_unpacked_most_bytes: int = 1024 * MIB
    bundle_files_most: int = 100_000
    content_most_bytes: int = 64 * MIB  # of the files of one fetch that are read into memory
    cache_most_bytes: int = 2048 * MIB
    plain_http_hosts: tuple[str, ...] = ()  # besides loopback
    registry_ca_file: str = ""  # PEM of authorities that are trusted besides the well-known ones
    registry_mirrors: tuple[str, ...] = ()  # "host/path=mirror/path": where references of that prefix are read from
    registry_secrets: tuple[str, ...] = ()  # pull secrets in the operator's namespace, for all repositories
    fetch_proxy: str = ""  # http://host:port; empty: HTTPS_PROXY, HTTP_PROXY and NO_PROXY
    fetch_hosts: tuple[str, ...] = ()  # globs of the hosts that anything may be fetched from; empty: any
    oci_layout_dir: str = ""  # below which oci-layout:// sources may lie; empty: there are none
    verify_policy_file: str = ""  # YAML: who must have signed what, by prefix; empty: only what repositories say
    trusted_root_file: str = ""  # trusted_root.json for keyless signatures

    # rendering
    render_workers: int = 2
    render_timeout_seconds: float = 60.0
    render_memory_bytes: int = 512 * MIB
    render_output_most_bytes: int = 64 * MIB
    helm_program: str = "helm"  # of the renderer, for the step helmTemplate
    values_schema_check: str = "enforce"  # enforce or warn

    # status
    inventory_most_bytes: int = 1_300_000  # etcd takes 1.5 MiB for the whole object

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """`overrides` (the command line's) win over the environment. Raises SettingsInvalid."""
        variables = os.environ if environment is None else environment
        found: dict[str, Any] = {}
        for tunable in fields(cls):
            text = variables.get(PREFIX + tunable.name.upper())
            if text is not None:
                found[tunable.name] = _read(tunable.name, str(tunable.type), text)
        found.update({name: value for name, value in overrides.items() if value is not None})
        settings = cls(**found)
        _check(settings)
        return settings


def _read(name: str, kind: str, text: str) -> Any:
    try:
        match kind:
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "Path":
                return Path(text)
            case "tuple[str, ...]":
                return tuple(part.strip() for part in text.split(",") if part.strip())
            case _:
                return text
    except ValueError:
        raise SettingsInvalid(f"{PREFIX}{name.upper()}={text!r}: expected {kind}") from None


def _check(settings: Settings) -> None:
    choices = {
        "values_schema_check": ("enforce", "warn"),
        "log_format": ("console", "json"),
        "log_level": ("debug", "info", "warning", "error"),
    }
    for name, allowed in choices.items():
        value = getattr(settings, name)
        if value not in allowed:
            raise SettingsInvalid(f"{PREFIX}{name.upper()}={value!r}: expected one of {', '.join(allowed)}")
    account = settings.cleanup_service_account
    if account and not all(account.partition("/")):
        raise SettingsInvalid(f"{PREFIX}CLEANUP_SERVICE_ACCOUNT={account!r}: expected namespace/name")
    for tunable in fields(settings):
        value = getattr(settings, tunable.name)
        if isinstance(value, int | float) and not 0 <= value < float("inf"):
            raise SettingsInvalid(f"{PREFIX}{tunable.name.upper()}={value}: must be a number that is not negative")
        if tunable.name in AT_LEAST_ONE and value < 1:
            raise SettingsInvalid(f"{PREFIX}{tunable.name.upper()}={value}: must be 1 at least, or nothing ever runs")
