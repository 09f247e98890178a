"""The same training at scale, with TRL: one file for each method, run as `accelerate launch -m recipes.NAME …`.

Reads export folders through `datasets`; imports none of our packages. docs/training.md says which to use when.
"""
