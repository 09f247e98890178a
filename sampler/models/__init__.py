"""Which models exist and what was drawn from them.

Knows nothing of dialogues or trainers: a request carries its prompt as a snapshot, so that GPU
workers deploy and are tested alone.
"""

from sampler.models.completions import Completion as Completion
from sampler.models.requests import SampleRequest as SampleRequest
from sampler.models.reward_scores import RewardScore as RewardScore
from sampler.models.trials import ModelTrial as ModelTrial
from sampler.models.versions import ModelVersion as ModelVersion
