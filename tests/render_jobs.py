"""Jobs for the renderer, written as short as the tests that use them want to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from packhouse.ports import Json, RenderJob, ValuesDocument

CONTEXT: Json = {
    "package": {"publicName": "web.example.com", "version": "1.2.3"},
    "install": {"name": "web", "namespace": "demo"},
    "cluster": {"version": "1.37.2", "apiGroups": ["apps", "batch"]},
}
JINJA2: Json = {"jinja2": {}}


def config_map(name: str = "web", **data: Any) -> str:
    """The text of a ConfigMap whose data are written as they stand."""
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n" + (f"data:\n{lines}" if lines else "")


def job(
    files: Mapping[str, str | bytes],
    *,
    steps: Sequence[Json] = (JINJA2,),
    values: str | Sequence[str] = (),
    schema: Json | None = None,
    enforce: bool = True,
    context: Json = CONTEXT,
) -> RenderJob:
    texts = [values] if isinstance(values, str) else values
    return RenderJob(
        files={path: text.encode() if isinstance(text, str) else text for path, text in files.items()},
        steps=list(steps),
        values=[ValuesDocument(f"Secret demo/values key {number}.yml", text) for number, text in enumerate(texts)],
        values_schema=schema,
        enforce_schema=enforce,
        context=context,
    )
