from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0017_reasoning_shown_to_trainers'),
    ]

    operations = [
        migrations.AddField(
            model_name='suggestionrequest',
            name='policy_draw',
            field=models.JSONField(blank=True, help_text='The draw that fell on its model version: seed, weights, and what was drawn.', null=True),
        ),
    ]
