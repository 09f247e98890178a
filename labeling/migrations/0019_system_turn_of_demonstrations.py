from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0018_draws_of_suggestions'),
    ]

    operations = [
        migrations.AddField(
            model_name='dialogue',
            name='system_turn',
            field=models.JSONField(blank=True, help_text='Of a demonstration: what the models of its round read, its text and whether it is merged.', null=True),
        ),
    ]
