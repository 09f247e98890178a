"""The content filter below everybody who asks it: filters as files, thresholds, verdicts on texts.

It knows projects and texts by their ids alone. Pages, marks and reports are in `moderation`; what a block does to a
dialogue or a comparison is in `labeling`.
"""
