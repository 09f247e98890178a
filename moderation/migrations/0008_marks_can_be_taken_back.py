"""A mark that its writer took back is kept without a word, so that an export of an earlier cutoff says what stood."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0007_every_category_of_a_verdict")]
    operations = [
        migrations.AlterField(
            model_name="verdictfeedback",
            name="harmful",
            field=models.BooleanField(
                blank=True, help_text="Whether the text is harmful, whatever the filter said; empty: taken back.", null=True
            ),
        ),
    ]
