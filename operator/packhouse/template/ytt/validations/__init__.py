"""Rules that values must meet: `#@assert/validate` on nodes and `#@schema/validation` in schemas.

`rules` reads an annotation into a `Validation`, `run` goes through a document and tells which values break which
rule. The workspace runs it on the last data values, the schema hands its rules over. A rule is a function of a
template; what it does is ticked by the language.
"""

from packhouse.template.ytt.validations.rules import Validation
from packhouse.template.ytt.validations.run import run

__all__ = ["Validation", "run"]
