"""How large an offset of the neutral is to be expected, as the footage itself says: none where it is not sure of any.

The evidence of a deviation is the probability of what was observed, whatever the offset is (type-II maximum likelihood;
MacKay 1992, "Bayesian interpolation"): an offset that only fits noise costs more than it gains.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

DEVIATIONS = (0.02, 0.03, 0.05, 0.1, 0.2)  # cm; rigs are hardly made to less, and noise can look like less
SURE = 5.0  # natural logarithm of the odds: "very strong" (Kass & Raftery 1995, "Bayes factors")


def is_sure(information: Tensor, force: Tensor, prior: Tensor) -> bool:
    """Whether an offset explains more than it costs. Arguments: those of ``expected_deviation``."""
    return max(_all_evidence(information, force, prior)) > SURE


def expected_deviation(information: Tensor, force: Tensor, prior: Tensor) -> float:
    """The deviation of ``DEVIATIONS`` with the most evidence, in cm.

    information: (m, m) and force: (m,), what is known about the coefficients whatever all else is; prior: (m, m)
    information of coefficients whose offsets have a deviation of 1 cm.
    """
    found = _all_evidence(information, force, prior)
    return DEVIATIONS[found.index(max(found))]


def _all_evidence(information: Tensor, force: Tensor, prior: Tensor) -> list[float]:
    return [_evidence(information, force, prior / deviation**2) for deviation in DEVIATIONS]


def _evidence(information: Tensor, force: Tensor, prior: Tensor) -> float:
    """Logarithm of the odds against no offset; -inf where rounding has left too little of the information to judge."""
    factor, failed = torch.linalg.cholesky_ex(information + prior)
    if failed:
        return -math.inf
    gain = 0.5 * force @ torch.cholesky_solve(force[:, None], factor)[:, 0]
    own = torch.linalg.cholesky(prior).diagonal().log().sum()
    return float(gain - (factor.diagonal().log().sum() - own))
