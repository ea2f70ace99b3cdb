"""The schema that a ytt package declares in its own files (#@data/values-schema), as OpenAPI v3.

Such a package need not say it again in package.yaml. It is read in this process, and not in the renderer's: whoever
makes a package trusts its files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from packhouse.ports import Json, Outside

_DECLARES: Final = b"#@data/values-schema"


def declared(files: Mapping[str, bytes], steps: Sequence[Json]) -> Json | None:
    """None where the first step is no ytt, its files declare nothing, or cannot be read: rendering says that."""
    if not steps or "ytt" not in steps[0] or not any(_DECLARES in content for content in files.values()):
        return None
    from packhouse.api.errors import TemplateFailed
    from packhouse.settings import Settings
    from packhouse.template.documents import OutputMeter, StepInput
    from packhouse.template.limits import Limits
    from packhouse.template.ytt.convert import to_plain
    from packhouse.template.ytt.errors import LimitExceeded, YttError
    from packhouse.template.ytt.step_inputs import gather
    from packhouse.template.ytt.workspace.render import Options, inspect_schema

    options = steps[0]["ytt"] or {}
    meter = OutputMeter(Limits.from_settings(Settings()))
    step = StepInput(files, None, {}, (), {}, meter, Outside())
    told = Options(
        ignore_unknown_comments=bool(options.get("ignoreUnknownComments")),
        strict=bool(options.get("strict")),
        file_marks=tuple(options.get("fileMarks") or ()),
    )
    try:
        documents = inspect_schema(gather(step, {**options, "valuesFrom": ()}).files, told)
    except (YttError, LimitExceeded, TemplateFailed, KeyError):
        return None
    document: Any = to_plain(documents.items[0].value)
    schema: Json = document["components"]["schemas"]["dataValues"]
    return schema
