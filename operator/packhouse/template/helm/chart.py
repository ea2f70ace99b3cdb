"""The chart as helm gets it: an archive of the files below the step's path, those left out that .helmignore names.

Pure. Called by engine.py. Nothing is written to a disk: the archive goes to helm as it is.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Final

from packhouse.api.errors import TemplateFailed
from packhouse.template import selection
from packhouse.template.helm import ignore

STEP: Final = "helmTemplate"
_CHART: Final = "Chart.yaml"
_ARCHIVES: Final = (".tgz", ".tar.gz")
_FOLDERS_NAMED: Final = 5


def pack(files: Mapping[str, bytes], path: str) -> bytes:
    """The chart in the folder `path` ("" is the top), or the packed chart that `path` names, as a gzipped tar.

    Raises TemplateFailed where there is no chart, which says where charts are.
    """
    folder = selection.plain(path)
    names = selection.below(files, path or ".", STEP)
    if names == [folder] and folder.endswith(_ARCHIVES):
        return files[folder]
    inside = {name if folder == "." else name[len(folder) + 1 :]: name for name in names if name != folder}
    if _CHART not in inside:
        raise TemplateFailed(f"template step {STEP}: {_nowhere(files, folder)}")
    rules = ignore.Rules("", ignore.FILE)
    if ignore.FILE in inside:
        rules = ignore.Rules(selection.text(files, inside[ignore.FILE]), inside[ignore.FILE])
    return _archive({name: files[full] for name, full in inside.items() if not rules.ignores(name)})


def _nowhere(files: Mapping[str, bytes], folder: str) -> str:
    """Where the author most often meant to point."""
    charts = sorted(name.removesuffix(_CHART).rstrip("/") for name in files if name.endswith(f"/{_CHART}"))
    tops = [chart for chart in charts if not any(chart.startswith(f"{other}/") for other in charts)]
    packed = [name for name in sorted(files) if name.endswith(_ARCHIVES)]
    where = "the fetched folder" if folder == "." else f"path {folder!r}"
    if not (tops or packed):
        return f"{where} holds no {_CHART}, and no folder of the package does; fetch a chart"
    return f"{where} holds no {_CHART}; set path to one of: {', '.join([*tops, *packed][:_FOLDERS_NAMED])}"


def _archive(files: Mapping[str, bytes]) -> bytes:
    """In the order of a walk through folders. Stored, not compressed: it is read at once, on the same machine."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=0, format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(files, key=lambda path: path.split("/")):
            if "\\" in name:
                raise TemplateFailed(f"template step {STEP}: {name!r}: helm reads no file name that holds a backslash")
            entry = tarfile.TarInfo(f"chart/{name}")
            entry.size = len(files[name])
            archive.addfile(entry, io.BytesIO(files[name]))
    return packed.getvalue()
