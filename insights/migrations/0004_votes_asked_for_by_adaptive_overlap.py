"""Marks the votes that adaptive overlap asked for."""

from django.db import migrations, models

# As `labeling.quality.overlap.ASKED_FOR_MORE` stood when this was written.
MARK = """
UPDATE insights_judgement j SET extra = true FROM labeling_ranking r, labeling_comparison c
WHERE r.id = j.ranking_id AND c.id = r.comparison_id AND c.extra_votes > 0 AND r.kind = 'vote'
    AND (SELECT count(DISTINCT e.assignment_id) >= c.votes_wanted - c.extra_votes
         FROM labeling_ranking e, (SELECT min(o.submitted_at) AS at FROM labeling_ranking o
                                   WHERE o.assignment_id = r.assignment_id) own
         WHERE e.comparison_id = c.id AND e.kind = 'vote' AND e.assignment_id <> r.assignment_id
           AND e.submitted_at < own.at AND (e.undone_at IS NULL OR e.undone_at > own.at))
"""


class Migration(migrations.Migration):

    dependencies = [
        ('insights', '0003_shared_texts_of_judgements'),
        ('labeling', '0005_quality_review_items_and_extra_votes'),
    ]

    operations = [
        migrations.AddField(
            model_name='judgement',
            name='extra',
            field=models.BooleanField(db_default=False, default=False, help_text='Asked for because the votes before it disagreed.'),
        ),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]
