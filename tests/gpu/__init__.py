"""The hf engine on a GPU. Needs torch, transformers, pytest and what the repository carries; no Django, no database.

`python3 -m benchmarks.gpu` runs these tests and measures. Where torch sees no GPU they are skipped.
"""
