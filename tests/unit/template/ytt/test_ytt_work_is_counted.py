"""A step of a template may be a lot of work: each is counted as what it is, so that an endless loop of it ends soon."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.errors import LimitExceeded
from packhouse.template.ytt.starlark.thread import LanguageLimits
from packhouse.template.ytt.workspace.render import DataValues, InputFile, Options, render

LIMITS = LanguageLimits(steps=300_000, weight=1 << 26)
LOADS = "".join(f'load("@ytt:{name}", "{name}")\n' for name in ("assert", "json", "struct", "toml"))
LONG = 's = "a" * 1000000\n'
MANY = "m = list(range(100000))\n"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("before", "step"),
    [
        pytest.param("d = {}\n[d.setdefault(i, i) for i in range(2, 50000)]\nd[1] = 1\n", "1 in d", id="a key"),
        pytest.param("t = (1,) * 1000000\n", "assert.try_to(lambda: t in {})", id="a key that is a long tuple"),
        pytest.param(f"{LONG}e = s.elems()\n", "any(e)", id="the bytes of a text"),
        pytest.param('s = "%%" * 500000\n', "s % ()", id="a format"),
        pytest.param('s = "{}" * 500000\n', "assert.try_to(lambda: s.format())", id="a format without values"),
        pytest.param('s = "9" * 4000\n', "int(s)", id="a number of many digits"),
        pytest.param(LONG, "assert.try_to(lambda: int(s))", id="a failure that quotes a long text"),
        pytest.param(LONG, "assert.try_to(lambda: fail(s))", id="a failure with a long message"),
        pytest.param(LONG, "s.startswith(('b',) * 10000)", id="many beginnings"),
        pytest.param(f"{MANY}def g(*a):\n return 1\nend\n", "g(*m)", id="a call with many arguments"),
        pytest.param(MANY, 'toml.encode({"a": m})', id="TOML"),
        pytest.param(MANY, "json.encode(m)", id="JSON"),
        pytest.param(MANY, "struct.encode(m)", id="structs"),
        pytest.param("a = [1]\n", "a.extend(a)", id="a list that doubles"),
    ],
)
def test_an_endless_loop_ends(before: str, step: str) -> None:
    code = f"{LOADS}{before}def f():\n for i in range(2000000000):\n  {step}\n end\nend\nf()\n"
    files = [InputFile("f.star", code.encode()), InputFile("a.yml", b'#@ load("f.star", "f")\na: 1\n')]
    with pytest.raises(LimitExceeded):
        render(files, DataValues(), Options(), LIMITS)
