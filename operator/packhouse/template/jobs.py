"""Jobs as they travel: what the operator asks, as a header and the raw bytes of files, and back to a value.

The asking side (adapters/renderer_client.py) packs, the worker unpacks. The asking side is trusted here; what comes
back is not, and goes through answers.py. No engine is imported by the asking side.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from packhouse.ports import (
    AddedFile,
    BundleContent,
    FoundImage,
    ImageAsk,
    Json,
    Outside,
    Rendered,
    RenderJob,
    ValuesDocument,
)
from packhouse.template import wire


def pack_render(job: RenderJob) -> wire.Frame:
    return _pack(
        "render",
        job.files,
        {
            "steps": list(job.steps),
            "values": [asdict(document) for document in job.values],
            "valuesSchema": job.values_schema,
            "enforceSchema": job.enforce_schema,
            "context": job.context,
            "outside": _pack_outside(job.outside),
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
        outside=_unpack_outside(header["outside"]),
    )


def render_answer(rendered: Rendered) -> Json:
    return {
        "objects": list(rendered.objects),
        "warnings": list(rendered.warnings),
        "asked": [asdict(ask) for ask in rendered.asked],
    }


def bundle_answer(content: BundleContent) -> Json:
    return {"documents": list(content.documents), "faults": [asdict(fault) for fault in content.faults]}


def _pack_outside(outside: Outside) -> Json:
    """What it holds may be no text, so it travels in base64."""
    return {
        "overlays": [[file.name, file.source, _encoded(file.content)] for file in outside.overlays],
        "valuesAsFiles": outside.values_as_files,
        "references": [
            [*named, {key: _encoded(content) for key, content in data.items()}]
            for named, data in outside.references.items()
        ],
        "metadata": outside.metadata,
        "images": [[ask.image, ask.selection, found.url, found.tag] for ask, found in outside.images.items()],
    }


def _unpack_outside(told: Json) -> Outside:
    return Outside(
        overlays=tuple(AddedFile(name, source, base64.b64decode(data)) for name, source, data in told["overlays"]),
        values_as_files=told["valuesAsFiles"],
        references={
            (kind, name): {key: base64.b64decode(content) for key, content in data.items()}
            for kind, name, data in told["references"]
        },
        metadata=told["metadata"],
        images={ImageAsk(image, selection): FoundImage(url, tag) for image, selection, url, tag in told["images"]},
    )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _pack(job: str, files: Mapping[str, bytes], what: dict[str, Any]) -> wire.Frame:
    table = [[path, len(content)] for path, content in files.items()]
    return wire.frame({"job": job, "files": table, **what}, body=b"".join(files.values()))
