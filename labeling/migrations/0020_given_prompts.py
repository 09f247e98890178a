"""Demonstrations for given prompts. What stood before an ideal answer was never its author's example."""

import django.core.validators
from django.db import migrations, models

CONTEXT_IS_NO_EXAMPLE = """
UPDATE labeling_turn t SET is_example = false
FROM labeling_dialogue d JOIN labeling_comparison c ON c.id = d.answer_to_id
WHERE t.dialogue_id = d.id AND t.role = 'assistant' AND t.position < jsonb_array_length(c.prompt)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0019_system_turn_of_demonstrations'),
    ]

    operations = [
        migrations.AddField(
            model_name='dialogue',
            name='given_turns',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Of a demonstration: its first turns, which were given and do not change.'),
        ),
        migrations.AddField(
            model_name='project',
            name='prompted_share',
            field=models.FloatField(db_default=0.0, default=0.0, help_text="Share of a trainer's demonstrations that answer a prompt of the pool.", validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)], verbose_name='share of given prompts'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('prompted_share__gte', 0), ('prompted_share__lte', 1)), name='project_prompted_share_0_to_1'),
        ),
        migrations.RunSQL(CONTEXT_IS_NO_EXAMPLE, migrations.RunSQL.noop),
    ]
