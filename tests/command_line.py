"""The words of `kubectl package`, called in this process: what they print, and how they end. For tests."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from packhouse.cli.application import root
from packhouse.cli.tree import PACKAGE


@dataclass(frozen=True, slots=True)
class Answer:
    """`out`: the answer; `said`: what was told beside it."""

    code: int
    out: str
    said: str


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Whoever `kubeconfig` names calls; `environment` stands over that of the process."""

    kubeconfig: Path
    environment: Mapping[str, str]

    def __call__(self, *words: str, code: int | None = 0) -> Answer:
        """Ends as `code`, if one is given."""
        out, said = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, self.environment), redirect_stdout(out), redirect_stderr(said):
            try:
                # The client reads KUBECONFIG once, when it is imported.
                whose = ["--kubeconfig", str(self.kubeconfig)]
                root(PACKAGE, "package").main([*words, *whose], prog_name="kubectl package")
                ended = 0
            except SystemExit as end:
                ended = int(end.code or 0)
        answer = Answer(ended, out.getvalue(), said.getvalue())
        assert code in (None, ended), f"{' '.join(words)}: {answer}"
        return answer
