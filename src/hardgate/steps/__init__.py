"""STEPS: everything that hardgate does beside scanning, one list. Members do not know each other.

A new step is its module, its line here, and its page in docs/steps/; tests fail until all three exist.
"""

from __future__ import annotations

from hardgate.step import Step
from hardgate.steps.newman import NEWMAN
from hardgate.steps.run import RUN
from hardgate.steps.schemathesis import SCHEMATHESIS

STEPS: tuple[Step, ...] = (RUN, NEWMAN, SCHEMATHESIS)
