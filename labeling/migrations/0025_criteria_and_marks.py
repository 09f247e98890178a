"""Grades on criteria, marks on words, and where an ideal answer was begun."""

import labeling.models.projects
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0024_groups_of_paraphrases'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='criteria',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list, help_text='Graded instead of one overall grade: [{"name", "steps"}, …].', validators=[labeling.models.projects.criteria_hold]),
        ),
        migrations.AddField(
            model_name='project',
            name='span_categories',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list, help_text='Empty: no words are marked.', validators=[labeling.models.projects.categories_hold], verbose_name='what may be wrong with marked words'),
        ),
        migrations.AddField(
            model_name='ranking',
            name='criteria',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text="Completion id to grades by the criterion's name."),
        ),
        migrations.AddField(
            model_name='ranking',
            name='scales',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list, help_text='The criteria that were asked, with their steps: [{"name", "steps"}, …].'),
        ),
        migrations.AddField(
            model_name='ranking',
            name='spans',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='Completion id to marks on its words: start, end, category, comment.'),
        ),
    ]
