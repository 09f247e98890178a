"""What a round is to bring, and each trainer in it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("labeling", "0033_questions"),
    ]

    operations = [
        migrations.AddField(
            model_name='round',
            name='goal_demonstrations',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Demonstrations that the round is to bring; 0: no goal.'),
        ),
        migrations.AddField(
            model_name='round',
            name='goal_rankings',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Votes that the round is to bring; 0: no goal.'),
        ),
        migrations.AddField(
            model_name='round',
            name='share_demonstrations',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='What each trainer is to write in the round; 0: no share.'),
        ),
        migrations.AddField(
            model_name='round',
            name='share_rankings',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='What each trainer is to rank in the round; 0: no share.'),
        ),
    ]
