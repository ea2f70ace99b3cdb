from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from packhouse.api.errors import TemplateFailed

#: Each of these got out of some template engine once. None may give a value here.
PROBES = [
    "{{ ().__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ values.__class__ }}",
    "{{ values['__class__'] }}",
    "{{ values | attr('__class__') }}",
    "{{ [values] | map(attribute='__class__') | list }}",
    "{{ [values] | groupby('__class__') }}",
    "{{ [''] | sort(attribute='__class__.__init__') }}",
    "{{ '{0.__class__}'.format(values) }}",
    "{{ '{x.__class__}'.format_map({'x': values}) }}",
    "{{ '{0.get.__self__}'.format(files) }}",
    "{% set f = '{0.__class__}'.format %}{{ f(values) }}",
    "{{ ['{0.__class__}'] | map('format', values) | list }}{{ values.nothing }}",
    "{{ '%s' | format(self.__init__) }}",
    "{{ lipsum }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ range.__globals__ }}",
    "{{ dict.mro() }}",
    "{{ dict.__subclasses__() }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__ }}",
    "{{ files._files }}",
    "{{ files.get.__func__.__globals__ }}",
    "{{ files.get.im_func }}",
    "{{ files.__init__ }}",
    "{{ files.get('../../../etc/passwd') }}",
    "{{ files.get('/proc/self/environ') }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'subprocess' import run %}",
    "{{ import('os') }}",
    "{{ __import__('os') }}",
    "{{ open('/etc/passwd') }}",
    "{{ getattr(values, 'x') }}",
    "{{ config }}",
    "{{ request }}",
    "{{ environment }}",
    "{{ loader }}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{% endmacro %}{{ m._environment }}",
    "{% for i in [1] %}{{ loop._iterable }}{% endfor %}",
    "{% for i in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% block b %}{{ self.b._context }}{% endblock %}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__class__ }}",
    "{% set ns = namespace(a=1) %}{{ ns.__dict__ }}",
    "{% set ns = namespace(a=1) %}{{ ns._Namespace__attrs }}",
    "{{ values.update({'name': 'other'}) }}",
    "{{ values.list.append(1) }}",
    "{{ values.pop('name') }}",
    "{{ values.clear() }}",
    "{{ values.setdefault('x', 1) }}",
    "{{ values.list.sort() }}",
    "{% set values.name = 'other' %}",
    "{{ values.nothing.__class__ }}",
    "{{ (values.nothing | default('')).__class__ }}",
    "{{ (1).__class__.__base__.__subclasses__() }}",
    "{{ 1 .real.__class__ }}",
    "{{ (values.items()).__class__ }}",
    "{{ (x for x in values) }}",
    "{{ values.list | map('attr', '__class__') | list }}",
    "{% import 'templates/x' as m %}{{ m.__dict__ }}",
    "{% import 'templates/x' as m %}{{ m._body_stream }}",
    "{% import 'templates/x' as m %}{{ m.__init__.__globals__ }}",
    "{{ caller }}",
    "{{ super() }}",
    "{{ varargs }}",
    "{{ cycler }}",
    "{{ joiner }}",
    "{{ range }}",
    "{{ files.get }}",
    "{{ values.list | random }}",
    "{{ values | pprint }}",
    "{% debug %}",
    "{% do values.update({}) %}",
    "{{ ''.join.__self__ }}",
    "{{ 'a'.encode().hex }}",
    "{{ values | xmlattr }}",
    "{{ 2 ** 100000 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ range(1000000) | list }}",
]


@pytest.mark.parametrize("probe", PROBES)
def test_a_template_gets_nothing_that_it_was_not_given(objects: Callable[..., Any], probe: str) -> None:
    with pytest.raises(TemplateFailed, match=r"^a.yml:1: "):
        objects({"a.yml": probe, "templates/x": ""}, values="name: web\nlist: [b, a]")


def test_what_one_template_does_is_unseen_by_the_next(objects: Callable[..., Any]) -> None:
    files = {
        "a.yml": "{% set leak = 1 %}{% set ns = namespace(leak=1) %}",
        "b.yml": "{{ leak }}",
    }
    with pytest.raises(TemplateFailed, match=r"^b.yml:1: 'leak' is undefined"):
        objects(files)


def test_values_keep_what_they_were_over_a_step(objects: Callable[..., Any], value: Callable[..., str]) -> None:
    expression = "{% set v = values | combine({'a': {'x': 2}}) %}{{ v.a.x }}{{ values.a.x }}"
    assert value(expression, values="a: {x: 1}") == "21"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{{ '{} {}'.format('a', 1) }}", "a 1"),
        ("{{ '%s-%d' | format('a', 2) }}", "a-2"),
        ("{{ 'ab'.upper() ~ ' x '.strip() }}", "ABx"),
        ("{% for k, v in values.map.items() %}{{ k }}={{ v }};{% endfor %}", "a=1;b=2;"),
        ("{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "3"),
        ("{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}", "ab"),
        ("{% set j = joiner(',') %}{% for i in [1, 2] %}{{ j() }}{{ i }}{% endfor %}", "1,2"),
        ("{% for i in [1, 2] %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{% endfor %}", "1a2b"),
        ("{{ 'ab' * 3 }}{{ 3 * 4 }}{{ 2 ** 10 }}", "ababab121024"),
        ("{{ dict(a=1).a }}", "1"),
    ],
)
def test_what_templates_need_still_works(value: Callable[..., str], expression: str, expected: str) -> None:
    assert expected == value(expression, values="map: {a: 1, b: 2}")
