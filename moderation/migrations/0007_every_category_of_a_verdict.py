"""Of verdicts from before only the category that decided is taken over; new thresholds find the others by the scores.
The tasks that show their texts are given their kinds of harm."""

import django.contrib.postgres.fields
from django.db import migrations, models

VERDICTS = """
UPDATE moderation_verdict SET harms = ARRAY[category] WHERE action IN ('warn', 'block') AND category <> '';
"""
PROMPTS = """
WITH found AS (
    SELECT v.target_id AS id, array_agg(DISTINCT harm ORDER BY harm) AS harms
    FROM moderation_verdict v, unnest(v.harms) harm WHERE v.target = 'prompt' GROUP BY v.target_id)
UPDATE labeling_prompt p SET harms = found.harms FROM found WHERE p.id = found.id;
"""
COMPARISONS = """
WITH flagged AS (SELECT target_id AS text, harms FROM moderation_verdict WHERE harms <> '{}'),
shown AS (
    SELECT k.comparison_id AS id, flagged.harms FROM flagged JOIN labeling_candidate k ON k.completion_id = flagged.text
    UNION ALL SELECT c.id, flagged.harms FROM flagged JOIN labeling_comparison c ON c.id = flagged.text
    UNION ALL SELECT c.id, flagged.harms FROM flagged JOIN labeling_comparison c ON c.pool_prompt_id = flagged.text
    UNION ALL
    SELECT c.id, flagged.harms FROM flagged JOIN labeling_turn t ON flagged.text IN (t.id, t.completion_id)
    JOIN labeling_comparison c ON c.dialogue_id = t.dialogue_id
    JOIN labeling_turn drawn ON drawn.id = c.turn_id AND drawn.position > t.position),
found AS (
    SELECT shown.id, array_agg(DISTINCT harm ORDER BY harm) AS harms FROM shown, unnest(harms) harm GROUP BY shown.id)
UPDATE labeling_comparison c SET harms = found.harms FROM found WHERE c.id = found.id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0006_thresholds_know_when_they_were_applied"),
        ("labeling", "0039_kinds_of_harm_of_tasks"),
    ]
    operations = [
        migrations.AddField(
            model_name="verdict",
            name="harms",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), blank=True, db_default=[], default=list, size=None,
                help_text="Every category that warns or blocks, in alphabetical order.",
            ),
        ),
        migrations.RunSQL(VERDICTS + PROMPTS + COMPARISONS, migrations.RunSQL.noop),
    ]  # fmt: skip
