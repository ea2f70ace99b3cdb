"""Jobs as they travel: what the operator asks, as a header and the raw bytes of files, and back to a value.

The asking side (adapters/renderer_client.py) packs, the worker unpacks. The asking side is trusted here; what comes
back is not, and goes through answers.py. No engine is imported by the asking side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from packhouse.ports import BundleContent, Json, Rendered, RenderJob, ValuesDocument
from packhouse.template import wire


def pack_render(job: RenderJob) -> wire.Frame:
    return _pack(
        "render",
        job.files,
        {
            "steps": list(job.steps),
            "values": [{"source": document.source, "text": document.text} for document in job.values],
            "valuesSchema": job.values_schema,
            "enforceSchema": job.enforce_schema,
            "context": job.context,
        },
    )


def pack_bundle(files: Mapping[str, bytes], schemas: Mapping[str, Json]) -> wire.Frame:
    return _pack("bundle", files, {"schemas": dict(schemas)})


def unpack_render(header: Json, files: Mapping[str, bytes]) -> RenderJob:
    return RenderJob(
        files=files,
        steps=header["steps"],
        values=[ValuesDocument(**document) for document in header["values"]],
        values_schema=header["valuesSchema"],
        enforce_schema=header["enforceSchema"],
        context=header["context"],
    )


def render_answer(rendered: Rendered) -> Json:
    return {"objects": list(rendered.objects), "warnings": list(rendered.warnings)}


def bundle_answer(content: BundleContent) -> Json:
    return {"documents": list(content.documents), "faults": [asdict(fault) for fault in content.faults]}


def _pack(job: str, files: Mapping[str, bytes], what: dict[str, Any]) -> wire.Frame:
    table = [[path, len(content)] for path, content in files.items()]
    return wire.frame({"job": job, "files": table, **what}, body=b"".join(files.values()))
