"""Exponentials, logarithms and what is made of them, to the last bit as the original's library on amd64 gives them.

The C library rounds some of these otherwise, which would show in a rendered document. Coefficients and the order of
operations are those of the public approximations that library uses (SLEEF's exp, FreeBSD's log and log1p, Hart and
Cheney's sinh, Cephes' tanh). Called by `math_functions` and `math` alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from struct import pack, unpack
from typing import Final

NAN: Final = math.nan
INF: Final = math.inf


def polynomial(x: float, coefficients: Sequence[float]) -> float:
    """By Horner's rule, the coefficient of the highest power first."""
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def quotient(numerator: float, denominator: float) -> float:
    """As IEEE 754 divides: nothing raises."""
    if denominator:
        return numerator / denominator
    if numerator == 0 or math.isnan(numerator) or math.isnan(denominator):
        return NAN
    return math.copysign(INF, math.copysign(1, numerator) * math.copysign(1, denominator))


def scaled(x: float, exponent: int) -> float:
    """x * 2**exponent."""
    try:
        return math.ldexp(x, exponent)
    except OverflowError:
        return math.copysign(INF, x)


def bits(x: float) -> int:
    number: int = unpack("<Q", pack("<d", x))[0]
    return number


def from_bits(number: int) -> float:
    x: float = unpack("<d", pack("<Q", number))[0]
    return x


def _fused(factor: float, other: float, addend: float) -> float:
    """factor * other + addend, rounded once."""
    exact = Fraction(factor) * Fraction(other) + Fraction(addend)
    return float(exact)


_LOG2_E: Final = 1.4426950408889634073599246810018920
_LN2_UPPER: Final = 0.69314718055966295651160180568695068359375
_LN2_LOWER: Final = 0.28235290563031577122588448175013436025525412068e-12
_EXP_MOST: Final = 7.09782712893384e02
_EXP_LEAST: Final = -745.5
#: 1/8!, 1/7! ... 1/0! of the series.
_EXP: Final = (
    2.4801587301587301587e-5,
    1.9841269841269841270e-4,
    1.3888888888888888889e-3,
    8.3333333333333333333e-3,
    4.1666666666666666667e-2,
    1.6666666666666666667e-1,
    0.5,
    1.0,
)


def exp(x: float) -> float:
    """The series of e**(r/16) - 1, doubled four times; r is what is left of x beyond multiples of ln 2."""
    if math.isnan(x) or x == INF:
        return x
    if x > _EXP_MOST:
        return INF
    if x < _EXP_LEAST:
        return 0.0
    exponent = round(_LOG2_E * x)
    x = _fused(-float(exponent), _LN2_UPPER, x)
    x = _fused(-float(exponent), _LN2_LOWER, x)
    x *= 0.0625
    series = _EXP[0]
    for coefficient in _EXP[1:]:
        series = _fused(series, x, coefficient)
    x *= series
    for _ in range(3):
        x *= x + 2.0
    x = _fused(x + 2.0, x, 1.0)
    if exponent > -1023:
        return INF if exponent > 1023 else x * scaled(1.0, exponent)
    if exponent < -1075:
        return 0.0
    return x * scaled(1.0, exponent + 1022) * scaled(1.0, -1022)


_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_LOG_ODD: Final = (
    1.479819860511658591e-01,
    1.818357216161805012e-01,
    2.857142874366239149e-01,
    6.666666666666735130e-01,
)
_LOG_EVEN: Final = (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)
_FRACTION: Final = (1 << 52) - 1
_HALF_ROOT2: Final = 7.07106781186547524401e-01


def log(x: float) -> float:
    """Numbers below the normal ones are taken as they are stored, which is what the original's library does."""
    if math.isnan(x) or x == INF:
        return x
    if x <= 0:
        return NAN if x else -INF
    stored = bits(x)
    fraction = from_bits(stored & _FRACTION | 0x3FE << 52)
    exponent = float((stored >> 52) - 0x3FE)
    if fraction <= _HALF_ROOT2:
        fraction, exponent = fraction * 2, exponent - 1
    f = fraction - 1
    s = f / (2 + f)
    s2 = s * s
    s4 = s2 * s2
    r = s2 * polynomial(s4, _LOG_ODD) + s4 * polynomial(s4, _LOG_EVEN)
    half = 0.5 * f * f
    return exponent * _LN2_HIGH - ((half - (s * (half + r) + exponent * _LN2_LOW)) - f)


_ROOT2_LESS_1: Final = 4.142135623730950488017e-01
_HALF_ROOT2_LESS_1: Final = -2.928932188134524755992e-01
_ROOT2_FRACTION: Final = 0x0006A09E667F3BCD
_LOG1P: Final = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)


def log1p(x: float) -> float:
    """Of x > -1: that is all that the inverse hyperbolic functions ask for."""
    if x == INF:
        return x
    size = abs(x)
    if size < 2.0**-29:
        return x if size < 2.0**-54 else x - x * x * 0.5
    if size < _ROOT2_LESS_1 and x > _HALF_ROOT2_LESS_1:
        exponent, f, correction, tiny = 0, x, 0.0, False
    else:
        exponent, f, correction, tiny = _reduced(x, size)
    half = 0.5 * f * f
    k = float(exponent)
    if tiny:
        if f == 0:
            return k * _LN2_HIGH + (correction + k * _LN2_LOW) if exponent else 0.0
        r = half * (1.0 - 0.66666666666666666 * f)
        return k * _LN2_HIGH - ((r - (k * _LN2_LOW + correction)) - f) if exponent else f - r
    s = f / (2.0 + f)
    z = s * s
    r = z * polynomial(z, _LOG1P)
    if not exponent:
        return f - (half - s * (half + r))
    return k * _LN2_HIGH - ((half - (s * (half + r) + (k * _LN2_LOW + correction))) - f)


def _reduced(x: float, size: float) -> tuple[int, float, float, bool]:
    """1 + x as 2**exponent * (1 + f), what rounding 1 + x lost, and whether f is below 2**-20."""
    u, correction = x, 0.0
    if size < 2.0**53:
        u = 1.0 + x
        correction = (1.0 - (u - x) if (bits(u) >> 52) > 1023 else x - (u - 1.0)) / u
    exponent = (bits(u) >> 52) - 1023
    fraction = bits(u) & _FRACTION
    if fraction < _ROOT2_FRACTION:
        return exponent, from_bits(fraction | 0x3FF << 52) - 1.0, correction, fraction == 0
    left = ((1 << 52) - fraction) >> 2
    return exponent + 1, from_bits(fraction | 0x3FE << 52) - 1.0, correction, left == 0


def power(x: float, y: float) -> float:
    """By squaring for the whole part of y, by exp and log for the rest."""
    special = _special_power(x, y)
    if special is not None:
        return special
    rest, whole = math.modf(abs(y))
    if rest and x < 0:
        return NAN
    if whole >= 2.0**63:
        if x == -1:
            return 1.0
        return 0.0 if (abs(x) < 1) == (y > 0) else INF
    value, exponent = 1.0, 0
    if rest:
        if rest > 0.5:
            rest, whole = rest - 1, whole + 1
        value = exp(rest * log(x))
    fraction, step = math.frexp(x)
    left = int(whole)
    while left:
        if not -(1 << 12) <= step <= 1 << 12:
            exponent += step
            break
        if left & 1:
            value *= fraction
            exponent += step
        fraction *= fraction
        step <<= 1
        if fraction < 0.5:
            fraction, step = fraction + fraction, step - 1
        left >>= 1
    if y < 0:
        value, exponent = quotient(1.0, value), -exponent
    return scaled(value, exponent)


def _special_power(x: float, y: float) -> float | None:
    """None where the power is to be computed."""
    if y == 0 or x == 1:
        return 1.0
    if y == 1:
        return x
    if math.isnan(x) or math.isnan(y):
        return NAN
    if x == 0:
        odd = math.copysign(1, x) < 0 and _is_odd(y)
        if y < 0:
            return -INF if odd else INF
        return x if odd else 0.0
    if math.isinf(y):
        if x == -1:
            return 1.0
        return 0.0 if (abs(x) < 1) == (y > 0) else INF
    if x == -INF:
        return power(-0.0, -y)
    if x == INF:
        return 0.0 if y < 0 else INF
    if abs(y) == 0.5:
        root = math.sqrt(x) if x > 0 else NAN
        return root if y > 0 else 1 / root
    return None


def _is_odd(y: float) -> bool:
    return math.isfinite(y) and y % 2 in (1, -1)


_SINH_P: Final = (
    -0.2630563213397497062819489e2,
    -0.2894211355989563807284660366e4,
    -0.8991272022039509355398013511e5,
    -0.6307673640497716991184787251e6,
)
_SINH_Q: Final = (
    1.0,
    -0.173678953558233699533450911e3,
    0.1521517378790019070696485176e5,
    -0.6307673640497716991212077277e6,
)
_TANH_P: Final = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_TANH_Q: Final = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)
_TANH_ONE: Final = 0.5 * 8.8029691931113054295988e01


def sinh(x: float) -> float:
    size = -x if x < 0 else x
    if size > 21:
        value = exp(size) * 0.5
    elif size > 0.5:
        grown = exp(size)
        value = (grown - 1 / grown) * 0.5
    else:
        square = size * size
        value = polynomial(square, _SINH_P) * size / polynomial(square, _SINH_Q)
    return -value if x < 0 else value


def cosh(x: float) -> float:
    x = abs(x)
    grown = exp(x)
    return grown * 0.5 if x > 21 else (grown + 1 / grown) * 0.5


def tanh(x: float) -> float:
    size = abs(x)
    if size > _TANH_ONE:
        return math.copysign(1.0, x)
    if size >= 0.625:
        return math.copysign(1 - 2 / (exp(2 * size) + 1), x)
    if x == 0:
        return x
    square = x * x
    return x + x * square * polynomial(square, _TANH_P) / polynomial(square, _TANH_Q)


_FAR: Final = float(1 << 28)
_LN2: Final = 6.93147180559945286227e-01


def asinh(x: float) -> float:
    if not math.isfinite(x):
        return x
    size = -x if x < 0 else x
    if size > _FAR:
        value = log(size) + _LN2
    elif size > 2:
        value = log(2 * size + 1 / (math.sqrt(size * size + 1) + size))
    elif size < 1 / _FAR:
        value = size
    else:
        value = log1p(size + size * size / (1 + math.sqrt(1 + size * size)))
    return -value if x < 0 else value


def acosh(x: float) -> float:
    if math.isnan(x) or x < 1:
        return NAN
    if x == 1:
        return 0.0
    if x >= _FAR:
        return log(x) + math.log(2)
    if x > 2:
        return log(2 * x - 1 / (x + math.sqrt(x * x - 1)))
    above = x - 1
    return log1p(above + math.sqrt(2 * above + above * above))


def atanh(x: float) -> float:
    if math.isnan(x) or abs(x) > 1:
        return NAN
    if abs(x) == 1:
        return math.copysign(INF, x)
    size = -x if x < 0 else x
    if size < 1 / _FAR:
        value = size
    elif size < 0.5:
        double = size + size
        value = 0.5 * log1p(double + double * size / (1 - size))
    else:
        value = 0.5 * log1p((size + size) / (1 - size))
    return -value if x < 0 else value
