"""Which control tokens no text may hold: those of every registered model version, and of the known families."""

from __future__ import annotations

from common.control_tokens import ControlTokens, control_tokens
from sampler.models import ModelVersion


def known() -> ControlTokens:
    """As of now, in one query. No tokenizer is loaded: the tokens were stored when a version was registered or first
    loaded. Retired versions count too, since what was collected for them may be trained on at any time."""
    lists = ModelVersion.objects.exclude(control_tokens=[]).order_by().values_list("control_tokens", flat=True)
    return control_tokens(frozenset(token for tokens in lists for token in tokens))
