"""`packhouse operator`: run the operator, with a kubeconfig outside a cluster and the service account inside."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Annotated, Any

import typer

from packhouse.api.errors import InvalidSpec
from packhouse.settings import Settings, SettingsInvalid


def operator(
    kubeconfig: Annotated[
        str | None, typer.Option(help="The kubeconfig to use; else KUBECONFIG, the pod's account, ~/.kube/config.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="The context of the kubeconfig.")] = None,
) -> None:
    """Run the operator until it is told to stop."""
    from packhouse import app  # kopf and the clients take a second to import

    try:
        settings = Settings.from_environment()
        log_as(settings)
        asyncio.run(app.run(settings, kubeconfig=kubeconfig, context=context))
    except (SettingsInvalid, InvalidSpec) as error:
        typer.echo(f"packhouse operator: {error}", err=True)
        raise typer.Exit(2) from None
    except asyncio.CancelledError:
        raise typer.Exit(1) from None


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def log_as(settings: Settings) -> None:
    """Logging for the whole process; kopf and the clients speak only of trouble."""
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for chatty in ("kopf", "aiohttp", "urllib3", "oras", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Each retry of a watch is an ERROR there; a watch that is given up is said by kopf's reactor once more.
    logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)
