import django.contrib.postgres.fields
from django.db import migrations, models

HARMS = {
    "base_field": models.CharField(max_length=60), "blank": True, "db_default": [], "default": list, "size": None,
    "help_text": "Kinds of harm that the content filter warns of in its texts, worked out whenever a verdict comes.",
}  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("labeling", "0038_index_of_what_was_ready")]
    operations = [
        migrations.AddField("comparison", "harms", django.contrib.postgres.fields.ArrayField(**HARMS)),
        migrations.AddField("prompt", "harms", django.contrib.postgres.fields.ArrayField(**HARMS)),
        migrations.AddField(
            "project",
            "exposure_minutes",
            models.PositiveSmallIntegerField(
                db_default=0, default=0, verbose_name="minutes with flagged texts a week",
                help_text="After so many a person is offered only tasks without flagged texts until the week ends; "
                "0: no end.",
            ),
        ),
    ]  # fmt: skip
