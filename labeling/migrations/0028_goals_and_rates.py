"""A goal for the day, and what work costs."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0027_comparisons_chosen_by_a_reward_model'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='currency',
            field=models.CharField(blank=True, db_default='', default='', help_text='Of the rates.', max_length=3),
        ),
        migrations.AddField(
            model_name='project',
            name='daily_goal',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='What a trainer should submit on a day; 0: no goal is shown.', verbose_name='tasks a day'),
        ),
        migrations.AddField(
            model_name='project',
            name='rate_per_hour',
            field=models.DecimalField(db_default=0, decimal_places=2, default=0, help_text='What an active hour of a trainer costs; 0: nothing.', max_digits=10, validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.AddField(
            model_name='project',
            name='rate_per_task',
            field=models.DecimalField(db_default=0, decimal_places=2, default=0, help_text='What a submitted ranking or dialogue costs; 0: nothing.', max_digits=10, validators=[django.core.validators.MinValueValidator(0)]),
        ),
    ]
