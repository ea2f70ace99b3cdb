"""The Kubernetes client without what its packages import along: for us it is a kubeconfig and connections.

`import kubernetes` brings the synchronous client, OAuth, informers, leader election: a fifth of the time that a command
takes to list packages. So `kubernetes` and `kubernetes.aio` are put in place as folders of modules, and each module
still imports what it needs itself. It has no effect where somebody imported them before. Import it before any part.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from typing import Final

_FOLDERS: Final = ("kubernetes", "kubernetes.aio")


def _put(name: str) -> None:
    found = find_spec(name)
    if found is None:
        raise ModuleNotFoundError(f"there is no package {name}", name=name)
    sys.modules[name] = module_from_spec(found)
    folder, _, own = name.rpartition(".")
    if folder:
        setattr(sys.modules[folder], own, sys.modules[name])


if _FOLDERS[0] not in sys.modules:
    for folder in _FOLDERS:
        _put(folder)
