"""What guests may send on a day, that they read what is kept, and what they say of a reply beside a thumb."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0041_content_warnings_and_covered_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name="project",
            name="guest_messages_per_day",
            field=models.PositiveSmallIntegerField(
                db_default=50, default=50, help_text="What each guest may send to the model on a day (UTC); 0: no limit.",
                verbose_name="messages of a guest a day",
            ),
        ),
        migrations.AddField(
            model_name="turnfeedback",
            name="ideal_answer",
            field=models.TextField(
                blank=True, db_default="", default="",
                help_text="What would have been a good answer, in the person's words.",
            ),
        ),
        migrations.AlterField(
            model_name="turnfeedback",
            name="thumb_up",
            field=models.BooleanField(
                blank=True, help_text="Empty: taken back, or a problem without a thumb.", null=True
            ),
        ),
        migrations.CreateModel(
            name="KeptAcceptance",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("accepted_at", models.DateTimeField()),
                ("project", models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to="labeling.project"
                )),
                ("user", models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="accepted_notices",
                    to=settings.AUTH_USER_MODEL,
                )),
            ],
            options={
                "ordering": ["project", "accepted_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "user", "number"), name="kept_accepted_once")
                ],
            },
        ),
    ]
