"""What a reviewer says of single words."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0034_goals_of_rounds'),
    ]

    operations = [
        migrations.AddField(
            model_name='review',
            name='spans',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='What the reviewer says of single words, by completion: labeling/spans.py.'),
        ),
    ]
