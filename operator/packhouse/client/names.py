"""Names as they are in the cluster, for completion: asked for as tables, and no more of an object than its line.

What goes wrong here ends as an error like any other; who completes words says nothing of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE, PACKAGE_REPOSITORY, VERSION
from packhouse.client.session import Session
from packhouse.ports import Kind, Ref

INSTALLS: Final = Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE)
REPOSITORIES: Final = Kind(INSTALL_GROUP, VERSION, PACKAGE_REPOSITORY)
NAMESPACES: Final = Kind("", "v1", "Namespace")
ACCOUNTS: Final = Kind("", "v1", "ServiceAccount")

#: A name, and what is said of it.
Named = tuple[str, str]


async def of_kind(session: Session, kind: Kind, *columns: str, namespace: str = "") -> list[Named]:
    """All objects of the kind; `columns`: what is said of each."""
    found: list[Named] = []
    async for table in session.cluster.tables(kind, namespace=namespace):
        places = [table.columns.index(column) for column in columns if column in table.columns]
        found += [(str(row[0]), " ".join(str(row[place] or "") for place in places)) for row in table.rows]
    return found


async def packages(session: Session) -> list[Named]:
    from packhouse.client.listings import listed

    return [(package.name, package.words.display_name) for package in await listed(session)]


async def versions(session: Session, public_name: str) -> list[Named]:
    """Newest first."""
    from packhouse.client.listings import versions_of

    return [(version, "") for version in await versions_of(session, public_name)]


async def package_of_install(session: Session, name: str) -> str:
    """As `available get` takes it: the version that is installed, else what the install asks for."""
    from packhouse.api.views import InstalledPackage

    found = await session.cluster.get(Ref(INSTALLS, session.namespace, name))
    if found is None:
        return ""
    install = InstalledPackage.from_wire(found)
    version = install.status.get("version") or install.version
    return f"{install.public_name}/{version}" if version else install.public_name


async def contexts(kubeconfig: str | None) -> list[Named]:
    """Those of the kubeconfig, which may be several files."""
    return await asyncio.to_thread(_contexts, kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")


def _contexts(paths: str) -> list[Named]:
    import yaml

    found: dict[str, str] = {}
    for path in paths.split(os.pathsep):
        file = Path(path).expanduser()
        config = yaml.load(file.read_text(), Loader=yaml.CSafeLoader) if file.is_file() else None
        entries: Sequence[dict[str, object]] = (config or {}).get("contexts") or ()
        for entry in entries:
            inner = entry.get("context")
            found.setdefault(str(entry["name"]), str(inner.get("cluster", "")) if isinstance(inner, dict) else "")
    return list(found.items())
