"""The rankings of an export in which AI judges vote, where whoever asks for it says so.

A judgement whose every pair could be read is then a ranking of kind `ai`, without a person. Without that option the
source is that of the rankings alone.
"""

from __future__ import annotations

from exports.options import Options
from exports.sources.rankings import Rankings

AI = "ai"  # the kind of a ranking that no person gave

# Both as one table: the columns of `labeling_ranking` that the source reads.
_TOLD = """
    id, comparison_id, trainer_id, kind, submitted_at, undone_at, not_rankable, groups, ratings, flags, strengths,
    criteria, scales, spans, reading, order_shown, seconds, label_weight, note, guideline_version_id
"""
_BOTH = f"""(
    SELECT {_TOLD} FROM labeling_ranking
    UNION ALL
    SELECT x.id, x.comparison_id, NULL, '{AI}', x.judged_at, NULL, '', x.groups, '{{}}', '{{}}', '[]',
        '{{}}', '[]', '{{}}', '{{}}', (SELECT jsonb_agg(k.completion_id ORDER BY k.index) FROM labeling_candidate k
         WHERE k.comparison_id = x.comparison_id), NULL, NULL, '', NULL
    FROM labeling_aijudgement x WHERE x.groups <> '[]' AND x.judged_at IS NOT NULL) r """


class RankingsWithJudges(Rankings):
    def query(self, options: Options) -> str:
        alone = super().query(options)
        return alone.replace("labeling_ranking r ", _BOTH) if options.include_ai_judges else alone


SOURCE = RankingsWithJudges()
