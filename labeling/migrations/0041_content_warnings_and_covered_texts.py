import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def key() -> models.UUIDField:
    return models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0040_indexes_of_harmless_tasks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name="project",
            name="cover",
            field=models.CharField(
                blank=True, max_length=7, db_default="", default="", verbose_name="covered until revealed",
                choices=[
                    ("", "None"), ("flagged", "Texts of which the content filter warns"),
                    ("model", "All texts of a model, and what the filter warns of"),
                ],
                help_text="Which texts people reveal one by one, by a click or a key, before they read them.",
            ),
        ),
        migrations.CreateModel(
            name="ContentWarning",
            fields=[
                ("id", key()),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField(blank=True, help_text="Markdown; empty: no warning.")),
                ("note", models.CharField(blank=True, help_text="What changed, in a sentence.", max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by", models.ForeignKey(
                    blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+",
                    to=settings.AUTH_USER_MODEL,
                )),
                ("project", models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="warnings", to="labeling.project"
                )),
            ],
            options={
                "ordering": ["project", "-number"],
                "constraints": [models.UniqueConstraint(fields=("project", "number"), name="warning_number_once")],
            },
        ),
        migrations.CreateModel(
            name="WarningRead",
            fields=[
                ("id", key()),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("user", models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="warnings_read",
                    to=settings.AUTH_USER_MODEL,
                )),
                ("version", models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="readings", to="labeling.contentwarning"
                )),
            ],
            options={
                "ordering": ["version", "at"],
                "constraints": [models.UniqueConstraint(fields=("version", "user"), name="warning_read_once")],
            },
        ),
    ]  # fmt: skip
