from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0016_origins_of_copies_made_before'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='show_reasoning',
            field=models.BooleanField(db_default=False, default=False, help_text='What a reasoning model thought is shown to trainers, folded, beside its answer.'),
        ),
    ]
