"""The module math: the very bits that the original's library gives on amd64, where it does not round as C's does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ytt_module_calls import refusal, run

from packhouse.template.ytt.modules import MODULES

_NUMBERS = st.floats(-1e6, 1e6) | st.floats(-2, 2)


def alike(one: Any, other: Any) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


@pytest.mark.parametrize(
    ("function", "args", "value"),
    [
        ("fabs", (-2.5,), 2.5),
        ("round", (2.5,), 3.0),
        ("round", (-2.5,), -3.0),
        ("round", (0.49999999999999994,), 0.0),
        ("round", (-0.2,), -0.0),
        ("exp", (1.0,), 2.718281828459045),
        ("exp", (2.25,), 9.487735836358524),
        ("exp", (-745.0,), 5e-324),
        ("exp", (3.802,), 44.7906763242878),
        ("sqrt", (2.0,), 1.4142135623730951),
        ("acos", (0.39832417820321964,), 1.1611072242409777),
        ("acos", (-1.0,), 3.141592653589793),
        ("asin", (0.44070685153081723,), 0.4563859670708554),
        ("asin", (0.9,), 1.1197695149986342),
        ("atan", (10.0,), 1.4711276743037345),
        ("atan", (-3.494,), -1.2920431187997945),
        ("atan", (0.5,), 0.4636476090008061),
        ("cos", (-6.0,), 0.9601702866503661),
        ("cos", (661.2952761723193,), 0.009977242793376676),
        ("cos", (1e300,), -0.5753861119575491),
        ("sin", (-2.17,), -0.8257849931056082),
        ("sin", (-4.53,), 0.9834131875473107),
        ("sin", (1e22,), -0.8522008497671889),
        ("tan", (1.0,), 1.557407724654902),
        ("tan", (0.1,), 0.10033467208545055),
        ("acosh", (3.0,), 1.7627471740390859),
        ("acosh", (3673.0585624437426,), 8.901927151757995),
        ("asinh", (9.9,), 2.9882229932141513),
        ("asinh", (-5.4,), -2.3880113222846493),
        ("asinh", (1e-09,), 1e-09),
        ("atanh", (0.5,), 0.5493061443340548),
        ("atanh", (0.25,), 0.25541281188299536),
        ("cosh", (0.9850344554488402,), 1.5256652556815622),
        ("sinh", (4.6,), 49.737131903094564),
        ("sinh", (-3.46,), -15.89277337632466),
        ("sinh", (0.3,), 0.3045202934471426),
        ("tanh", (0.8428213895918206,), 0.687300566251364),
        ("tanh", (0.3,), 0.2913126124515909),
        ("tanh", (-50.0,), -1.0),
        ("gamma", (-0.6593016062886374,), -3.971712680765666),
        ("gamma", (3.778,), 4.572435437840571),
        ("gamma", (38.82719327375173,), 2.7842533662454825e44),
        ("gamma", (171.0,), 7.257415615307999e306),
        ("gamma", (-34.5,), -1.805104070300237e-39),
        ("log", (44.92134398924907,), 3.8049130490408487),
        ("log", (10.0,), 2.302585092994046),
        ("log", (5e-324,), -709.0895657128241),
        ("copysign", (1.0, -0.0), -1.0),
        ("mod", (7.5, -2.0), 1.5),
        ("mod", (-7.5, 2.0), -1.5),
        ("pow", (370.9486102515327, -2.855), 4.619651864197381e-08),
        ("pow", (0.7472693231167877, 18.0), 0.0052794510986944165),
        ("pow", (-2.0, 3.0), -8.0),
        ("pow", (1.1, 10.0), 2.593742460100002),
        ("remainder", (7.5, 2.0), -0.5),
        ("remainder", (5.0, 3.0), -1.0),
        ("atan2", (-358548.0892786712, -11.0), -1.570827006082628),
        ("atan2", (1.0, 1.0), 0.7853981633974483),
        ("hypot", (-16.0, -0.00012681521645983995), 16.000000000502563),
        ("hypot", (3.0, 4.0), 5.0),
    ],
)
def test_a_function_gives_the_same_bits(function: str, args: tuple[float, ...], value: float) -> None:
    assert alike(run(f"math.{function}", *args), value)


@pytest.mark.parametrize(
    ("function", "args", "value"),
    [
        pytest.param("ceil", (1.2,), 2, id="an int"),
        pytest.param("floor", (-1.2,), -2, id="a negative int"),
        pytest.param("ceil", (7,), 7, id="an int stays"),
        pytest.param("floor", (1e30,), int(1e30), id="a large int"),
        pytest.param("fabs", (-3,), 3.0, id="an int is taken for a float"),
        pytest.param("log", (8, 2), 3.0, id="a base"),
        pytest.param("log", (0,), -math.inf, id="of nothing"),
        pytest.param("log", (-1,), math.nan, id="of less"),
        pytest.param("log", (2, 1), math.inf, id="a base of one"),
        pytest.param("sqrt", (-1,), math.nan, id="a root of less"),
        pytest.param("pow", (0, -1), math.inf, id="by nothing"),
        pytest.param("pow", (10, 400), math.inf, id="too large"),
        pytest.param("pow", (-8, 1 / 3), math.nan, id="a root of a negative number"),
        pytest.param("pow", (2, 10), 1024.0, id="a power"),
        pytest.param("mod", (1, 0), math.nan, id="a remainder of nothing"),
        pytest.param("exp", (1000,), math.inf, id="a large power of e"),
        pytest.param("atanh", (1,), math.inf, id="an area without end"),
        pytest.param("gamma", (-1,), math.nan, id="a pole"),
        pytest.param("gamma", (5,), 24.0, id="a factorial"),
        pytest.param("degrees", (math.pi,), 180.0, id="degrees"),
        pytest.param("radians", (180,), math.pi, id="radians"),
        pytest.param("hypot", (math.inf, math.nan), math.inf, id="infinite though unknown"),
        pytest.param("fabs", (10**400,), math.inf, id="an int beyond all floats"),
    ],
)
def test_numbers_at_the_edges(function: str, args: tuple[Any, ...], value: Any) -> None:
    assert alike(run(f"math.{function}", *args), value)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "message"),
    [
        pytest.param("mod", (5,), {}, "mod: expected exactly two arguments", id="one of two"),
        pytest.param("sin", (), {}, "sin: expected exactly one argument", id="none of one"),
        pytest.param("sin", ("1",), {}, "sin: expected float value, but was starlark.String", id="a text"),
        pytest.param("pow", (1, [2]), {}, "pow: expected float value, but was *starlark.List", id="a list"),
        pytest.param("sin", (True,), {}, "sin: expected float value, but was starlark.Bool", id="a bool"),
        pytest.param("ceil", (), {}, "ceil: ceil: got 0 arguments, want 1", id="nothing to round"),
        pytest.param("floor", ("1",), {}, "floor: expected float value, but was starlark.String", id="a text to round"),
        pytest.param("ceil", (1,), {"x": 1}, "ceil: ceil: unexpected keyword arguments", id="a name"),
        pytest.param("ceil", (math.inf,), {}, "ceil: cannot convert float infinity to integer", id="infinity"),
        pytest.param("floor", (math.nan,), {}, "floor: cannot convert float NaN to integer", id="no number"),
        pytest.param("log", (), {}, "log: got 0 arguments, want at least 1", id="nothing to take a logarithm of"),
        pytest.param("log", (1, 2, 3), {}, "log: got 3 arguments, want at most 2", id="two bases"),
        pytest.param("log", (None,), {}, "expected float value, but was starlark.NoneType", id="log of None"),
    ],
)
def test_wrong_arguments_of_math_are_refused(
    function: str, args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    assert refusal(f"math.{function}", *args, **kwargs) == message


@given(_NUMBERS, _NUMBERS)
def test_functions_are_next_to_those_of_c(x: float, y: float) -> None:
    for function in ("sin", "cos", "atan", "asinh", "tanh", "exp", "cosh", "sinh"):
        try:
            expected = getattr(math, function)(x)
        except OverflowError:
            continue
        assert run(f"math.{function}", x) == pytest.approx(expected, rel=1e-13, abs=1e-300)
    assert run("math.atan2", x, y) == pytest.approx(math.atan2(x, y), rel=1e-14)
    assert run("math.hypot", x, y) == pytest.approx(math.hypot(x, y), rel=1e-14, abs=1e-300)
    assert run("math.mod", x, y or 1.0) == math.fmod(x, y or 1.0)


def test_constants_are_there() -> None:
    fields = MODULES["math"].fields()
    assert (fields["e"], fields["pi"]) == (math.e, math.pi)
    assert len(fields) == 30
