"""`packhouse bundle` as an application of its own, for tests that call it in their process."""

from __future__ import annotations

import typer

from packhouse.cli import bundle

app = typer.Typer(rich_markup_mode=None)
for verb in (bundle.push, bundle.copy, bundle.pull, bundle.inspect):
    app.command()(verb)
