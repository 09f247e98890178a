"""From when on what somebody writes counts who had withdrawn and came back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labeling", "0045_words_of_prompts")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="returned_at",
            field=models.DateTimeField(
                blank=True, help_text="After a withdrawal: what they write from then on is exported.", null=True
            ),
        ),
    ]
