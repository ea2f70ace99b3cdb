"""The functions of `@ytt:math` by name; angles and gamma are here, the rest in `math_powers`.

To the last bit as the original's library gives them (see `math_powers`; here the approximations are Cephes'). Rounding,
remainders, roots and signs are exact, so that Python's own do. Nothing raises: what has no value is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Final

from packhouse.template.ytt.modules.math_powers import (
    INF,
    NAN,
    acosh,
    asinh,
    atanh,
    bits,
    cosh,
    exp,
    from_bits,
    log,
    polynomial,
    power,
    quotient,
    sinh,
    tanh,
)

__all__ = ["BINARY", "UNARY", "log", "quotient"]

_PI_4: Final = math.pi / 4
#: Pi/4 in three parts, so that multiples of it are subtracted without loss.
_PI_4_PARTS: Final = (7.85398125648498535156e-1, 3.77489470793079817668e-8, 2.69515142907905952645e-15)
#: Angles from here on are reduced with as many digits of 4/pi as they need.
_LARGE_ANGLE: Final = float(1 << 29)
_SIN: Final = (
    1.58962301576546568060e-10,
    -2.50507477628578072866e-8,
    2.75573136213857245213e-6,
    -1.98412698295895385996e-4,
    8.33333333332211858878e-3,
    -1.66666666666666307295e-1,
)
_COS: Final = (
    -1.13585365213876817300e-11,
    2.08757008419747316778e-9,
    -2.75573141792967388112e-7,
    2.48015872888517045348e-5,
    -1.38888888888730564116e-3,
    4.16666666666665929218e-2,
)
_TAN_P: Final = (-1.30936939181383777646e4, 1.15351664838587416140e6, -1.79565251976484877988e7)
_TAN_Q: Final = (
    1.0,
    1.36812963470692954678e4,
    -1.32089234440210967447e6,
    2.50083801823357915839e7,
    -5.38695755929454629881e7,
)
_WORD: Final = 64
_WORD_MASK: Final = (1 << _WORD) - 1
#: How many bits of 4/pi are known; the first word of them is its whole part.
_DIGITS: Final = 20 * _WORD


def _octant(angle: float) -> tuple[int, float]:
    """Of an angle of at least 0: the even octant next to it, and the way there."""
    if angle >= _LARGE_ANGLE:
        return _octant_of_large(angle)
    octant = int(angle * (4 / math.pi))
    octant += octant & 1
    steps = float(octant)
    first, second, third = _PI_4_PARTS
    return octant & 7, ((angle - steps * first) - steps * second) - steps * third


@cache
def _four_over_pi() -> int:
    """By Machin's formula, with some bits to spare."""
    spare = 64
    one = 1 << (_DIGITS + spare)

    def inverse_tangent(inverse: int) -> int:
        total = term = one // inverse
        divisor, sign = 3, -1
        while term:
            term //= inverse * inverse
            total += sign * (term // divisor)
            divisor, sign = divisor + 2, -sign
        return total

    quarter_pi = 4 * inverse_tangent(5) - inverse_tangent(239)
    return (one * one // quarter_pi) >> (spare + _WORD)


def _octant_of_large(angle: float) -> tuple[int, float]:
    """Payne and Hanek's reduction, with the three words of 4/pi that count for the angle."""
    stored = bits(angle)
    position = (stored >> 52) - 1023 - 52 + 61
    mantissa = stored & ((1 << 52) - 1) | 1 << 52
    words = _four_over_pi() >> (_DIGITS - position - 3 * _WORD) & ((1 << 3 * _WORD) - 1)
    product = (mantissa * words) >> _WORD & ((1 << 2 * _WORD) - 1)
    octant = product >> 125
    high, low = product >> 61 & _WORD_MASK, product & _WORD_MASK
    zeros = _WORD - high.bit_length()
    fraction = high << (zeros + 1) & _WORD_MASK | low >> max(_WORD - zeros - 1, 0)
    rest = from_bits(fraction >> 12 | (1023 - zeros - 1) << 52)
    if octant & 1:
        octant, rest = (octant + 1) & 7, rest - 1
    return octant, rest * _PI_4


def _near_sin(z: float) -> float:
    square = z * z
    return z + z * square * polynomial(square, _SIN)


def _near_cos(z: float) -> float:
    square = z * z
    return 1.0 - 0.5 * square + square * square * polynomial(square, _COS)


def _sin(x: float) -> float:
    if x == 0 or not math.isfinite(x):
        return NAN if math.isinf(x) else x
    octant, rest = _octant(abs(x))
    value = _near_cos(rest) if octant & 2 else _near_sin(rest)
    return -value if (x < 0) != (octant > 3) else value


def _cos(x: float) -> float:
    if not math.isfinite(x):
        return NAN
    octant, rest = _octant(abs(x))
    value = _near_sin(rest) if octant & 2 else _near_cos(rest)
    return -value if octant in (2, 4) else value


def _tan(x: float) -> float:
    if x == 0 or not math.isfinite(x):
        return NAN if math.isinf(x) else x
    octant, rest = _octant(abs(x))
    square = rest * rest
    value = rest
    if square > 1e-14:
        value = rest + rest * (square * polynomial(square, _TAN_P) / polynomial(square, _TAN_Q))
    if octant & 2:
        value = quotient(-1.0, value)
    return -value if x < 0 else value


_ATAN_P: Final = (
    -8.750608600031904122785e-01,
    -1.615753718733365076637e01,
    -7.500855792314704667340e01,
    -1.228866684490136173410e02,
    -6.485021904942025371773e01,
)
_ATAN_Q: Final = (
    1.0,
    2.485846490142306297962e01,
    1.650270098316988542046e02,
    4.328810604912902668951e02,
    4.853903996359136964868e02,
    1.945506571482613964425e02,
)
#: What the float of pi/2 lacks.
_MORE_BITS: Final = 6.123233995736765886130e-17
_TAN_3_PI_8: Final = 2.41421356237309504880


def _near_atan(x: float) -> float:
    square = x * x
    return x * (square * polynomial(square, _ATAN_P) / polynomial(square, _ATAN_Q)) + x


def _positive_atan(x: float) -> float:
    if x <= 0.66:
        return _near_atan(x)
    if x > _TAN_3_PI_8:
        return math.pi / 2 - _near_atan(1 / x) + _MORE_BITS
    return _PI_4 + _near_atan((x - 1) / (x + 1)) + 0.5 * _MORE_BITS


def _atan(x: float) -> float:
    if x == 0 or math.isnan(x):
        return x
    return _positive_atan(x) if x > 0 else -_positive_atan(-x)


def _asin(x: float) -> float:
    if x == 0 or math.isnan(x):
        return x
    size = abs(x)
    if size > 1:
        return NAN
    other = math.sqrt(1 - size * size)
    value = math.pi / 2 - _positive_atan(other / size) if size > 0.7 else _positive_atan(size / other)
    return -value if x < 0 else value


def _acos(x: float) -> float:
    return math.pi / 2 - _asin(x)


def _atan2(y: float, x: float) -> float:
    if y == 0 or x == 0 or not (math.isfinite(x) and math.isfinite(y)):
        return math.atan2(y, x)  # a multiple of pi/4, which all agree on
    angle = _atan(quotient(y, x))
    if x > 0:
        return angle
    return angle + math.pi if angle <= 0 else angle - math.pi


def _hypot(p: float, q: float) -> float:
    p, q = abs(p), abs(q)
    if p == INF or q == INF:
        return INF
    if math.isnan(p) or math.isnan(q):
        return NAN
    longer, shorter = max(p, q), min(p, q)
    if longer == 0:
        return 0.0
    ratio = shorter / longer
    return longer * math.sqrt(1 + ratio * ratio)


_GAMMA_P: Final = (
    1.60119522476751861407e-04,
    1.19135147006586384913e-03,
    1.04213797561761569935e-02,
    4.76367800457137231464e-02,
    2.07448227648435975150e-01,
    4.94214826801497100753e-01,
    9.99999999999999996796e-01,
)
_GAMMA_Q: Final = (
    -2.31581873324120129819e-05,
    5.39605580493303397842e-04,
    -4.45641913851797240494e-03,
    1.18139785222060435552e-02,
    3.58236398605498653373e-02,
    -2.34591795718243348568e-01,
    7.14304917030273074085e-02,
    1.00000000000000000320e00,
)
_STIRLING: Final = (
    7.87311395793093628397e-04,
    -2.29549961613378126380e-04,
    -2.68132617805781232825e-03,
    3.47222221605458667310e-03,
    8.33333333333482257126e-02,
)
_EULER: Final = 0.57721566490153286060651209008240243104215933593992
_ROOT_2_PI: Final = 2.506628274631000502417
_STIRLING_SPLIT: Final = 143.01608


def _gamma(x: float) -> float:
    if math.isnan(x) or x == -INF or (x < 0 and x == math.floor(x)):
        return NAN
    if x in (0, INF):
        return math.copysign(INF, x)
    if abs(x) <= 33:
        return _small_gamma(x)
    if x > 0:
        first, second = _stirling(x)
        return first * second
    return _negative_gamma(-x)


def _negative_gamma(size: float) -> float:
    """Of -size, by reflection."""
    whole = math.floor(size)
    sign = 1.0 if whole & 1 else -1.0
    rest = size - whole
    if rest > 0.5:
        rest = size - (whole + 1)
    sine = abs(size * _sin(math.pi * rest))
    if sine == 0:
        return sign * INF
    first, second = _stirling(size)
    divisor = sine * first * second
    value = math.pi / sine / first / second if math.isinf(divisor) else quotient(math.pi, divisor)
    return sign * value


def _stirling(x: float) -> tuple[float, float]:
    """Two factors, since their product may be too large."""
    if x > 200:
        return INF, 1.0
    inverse = 1 / x
    series = 1 + inverse * polynomial(inverse, _STIRLING)
    grown = exp(x)
    if x > _STIRLING_SPLIT:
        part = power(x, 0.5 * x - 0.25)
        return part, _ROOT_2_PI * series * (part / grown)
    return power(x, x - 0.5) / grown, _ROOT_2_PI * series * 1.0


def _small_gamma(x: float) -> float:
    product = 1.0
    while x >= 3:
        x -= 1
        product *= x
    while x < 2:
        if -1e-09 < x < 1e-09:
            return INF if x == 0 else product / ((1 + _EULER * x) * x)
        product /= x
        x += 1
    if x == 2:
        return product
    x -= 2
    return product * polynomial(x, _GAMMA_P) / polynomial(x, _GAMMA_Q)


def _round(x: float) -> float:
    """Halves away from zero."""
    if not math.isfinite(x):
        return x
    whole = float(math.trunc(x))
    if abs(x - whole) >= 0.5:
        whole += math.copysign(1, x)
    return math.copysign(whole, x)


def _mod(x: float, y: float) -> float:
    return NAN if y == 0 or math.isinf(x) else math.fmod(x, y)


def _remainder(x: float, y: float) -> float:
    return NAN if y == 0 or math.isinf(x) else math.remainder(x, y)


def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else NAN


def _degrees(x: float) -> float:
    return 360 * x / (2 * math.pi)


def _radians(x: float) -> float:
    return 2 * math.pi * x / 360


UNARY: Final[dict[str, Callable[[float], float]]] = {
    "fabs": abs,
    "round": _round,
    "exp": exp,
    "sqrt": _sqrt,
    "acos": _acos,
    "asin": _asin,
    "atan": _atan,
    "cos": _cos,
    "sin": _sin,
    "tan": _tan,
    "degrees": _degrees,
    "radians": _radians,
    "acosh": acosh,
    "asinh": asinh,
    "atanh": atanh,
    "cosh": cosh,
    "sinh": sinh,
    "tanh": tanh,
    "gamma": _gamma,
}
BINARY: Final[dict[str, Callable[[float, float], float]]] = {
    "copysign": math.copysign,
    "mod": _mod,
    "pow": power,
    "remainder": _remainder,
    "atan2": _atan2,
    "hypot": _hypot,
}
