"""Where the API server is and who we are to it: a kubeconfig outside a cluster, the service account inside.

The configuration is read once by the Kubernetes client's own loaders; kopf and our own requests share it.
`without_credentials` gives the one that installs use: a client that holds the operator's certificate would act
as the operator whatever header is added, so theirs holds nothing at all.
"""

from __future__ import annotations

import contextlib
import copy
import os
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import yaml

from packhouse.adapters import kubernetes_parts  # noqa: F401 # before its parts
from packhouse.adapters.connector import Connector
from packhouse.api.errors import InvalidSpec

from kubernetes.aio import config as kube_config  # isort: skip
from kubernetes.aio.config import kube_config as loading  # isort: skip
from kubernetes.aio.client.configuration import Configuration  # isort: skip
from kubernetes.aio.client.rest import RESTClientObject  # isort: skip

#: A little less than the API server's own time (90 s), so that it never closes one that we are about to use.
IDLE_SECONDS: Final = 75.0
_USUAL: Final = "~/.kube/config"
#: The loader takes it for granted that a file is YAML, and a map of what it looks for.
_NO_KUBECONFIG: Final = (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError)
_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


async def load(kubeconfig: str | None = None, context: str | None = None) -> Configuration:
    """The client configuration of `kubeconfig`, else of KUBECONFIG, else of the pod, else of ~/.kube/config.

    Raises InvalidSpec with what was tried.
    """
    configuration = Configuration()
    tried = kubeconfig or os.environ.get("KUBECONFIG") or _USUAL
    try:
        if _in_pod(kubeconfig):
            kube_config.load_incluster_config(client_configuration=configuration)
        elif not _is_there(tried):
            raise InvalidSpec(f"there is no kubeconfig {tried}; set KUBECONFIG or pass --kubeconfig")
        else:
            await kube_config.load_kube_config(
                config_file=kubeconfig, context=context, client_configuration=configuration, persist_config=False
            )
    except (kube_config.ConfigException, OSError) as error:
        lever = "see the contexts: kubectl config get-contexts" if context else "set KUBECONFIG or pass --kubeconfig"
        raise InvalidSpec(f"no usable connection to a cluster in {tried}: {error}; {lever}") from error
    except _NO_KUBECONFIG as error:
        raise InvalidSpec(f"{tried} is no kubeconfig; set KUBECONFIG or pass --kubeconfig") from error
    configuration.connection_pool_maxsize = 0  # bounded by our own semaphore; watches must not use up the pool
    # Else aiohttp would look for a proxy and for a .netrc, in two threads, before each single request.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.proxy = configuration.proxy or _proxy(configuration.host)
    return configuration


@contextlib.contextmanager
def fleeting_files() -> Iterator[None]:
    """What loads a kubeconfig writes the key that stands in it into a temporary file, for TLS reads nothing else, and
    removes it where the process comes to its own end. At the end of this it is gone: connections have read it."""
    known = set(loading._temp_files)
    try:
        yield
    finally:
        for content in set(loading._temp_files) - known:
            Path(loading._temp_files.pop(content)).unlink(missing_ok=True)


def namespace_of(kubeconfig: str | None = None, context: str | None = None) -> str | None:
    """The namespace that the context names; that of the pod inside a cluster; None where nobody names one."""
    if _in_pod(kubeconfig):
        with contextlib.suppress(OSError):
            return _POD_NAMESPACE.read_text().strip() or None
        return None
    if not _is_there(kubeconfig or os.environ.get("KUBECONFIG") or _USUAL):  # load() tells it
        return None
    try:
        contexts, current = kube_config.list_kube_config_contexts(kubeconfig)
    except (kube_config.ConfigException, OSError, *_NO_KUBECONFIG):  # load() tells it
        return None
    chosen = next((entry for entry in contexts if entry["name"] == context), None) if context else current
    return ((chosen or {}).get("context") or {}).get("namespace") or None


def _in_pod(kubeconfig: str | None) -> bool:
    return kubeconfig is None and "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ


def _is_there(kubeconfigs: str) -> bool:
    return any(Path(part).expanduser().exists() for part in kubeconfigs.split(os.pathsep) if part)


def _proxy(server: str) -> str | None:
    """The proxy that the environment names for the API server (HTTPS_PROXY, NO_PROXY)."""
    parts = urlsplit(server)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


class Connections(RESTClientObject):  # type: ignore[misc]
    """The client's connections, kept open between reconciles: each new one costs a TLS handshake."""

    def _create_connector(self) -> aiohttp.TCPConnector:
        return Connector(limit=self.maxsize, ssl=self.ssl_context, keepalive_timeout=IDLE_SECONDS)

    def _create_pool_manager(self) -> aiohttp.ClientSession:
        """No redirect is followed: what a request holds, and whom it names, is for the API server alone."""
        session: Any = super()._create_pool_manager()
        session.request = partial(session.request, allow_redirects=False)
        return session  # type: ignore[no-any-return]


def without_credentials(configuration: Configuration) -> Configuration:
    """The same server and the same trust in it, and nothing that identifies anybody."""
    bare = copy.copy(configuration)
    bare.cert_file = None
    bare.key_file = None
    bare.api_key = {}
    bare.api_key_prefix = {}
    bare.username = None
    bare.password = None
    bare.access_token = None
    bare.refresh_api_key_hook = None
    return bare


async def authorization(configuration: Any) -> str | None:
    """The Authorization header of the configuration's own identity; None where a certificate carries it."""
    settings = await configuration.auth_settings()
    value = settings.get("BearerToken", {}).get("value")
    return str(value) if value else None
