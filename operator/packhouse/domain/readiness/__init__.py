"""Readiness: does a live object say that it is as it should be, that it needs time, or that it cannot get there?

Pure: an object goes in, a verdict with its words comes out; time is handed in. `table.py` has the kinds, one line each;
to teach a kind, write a function and add its line. deploy/wait.py looks at the cluster and asks here.
docs/spec/readiness.md tells users the same.
"""

from packhouse.domain.readiness.table import needs_no_look, readiness
from packhouse.domain.readiness.verdict import Readiness, State

__all__ = ["Readiness", "State", "needs_no_look", "readiness"]
