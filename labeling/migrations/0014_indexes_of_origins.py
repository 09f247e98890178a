"""Indexes by which a withdrawal finds copies, made while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0013_origins_of_copies")]
    operations = [
        AddIndexConcurrently(
            model_name="comparison",
            index=models.Index(
                condition=models.Q(("copied_from__isnull", False)), fields=["copied_from"], name="comparison_copies"
            ),
        ),
        AddIndexConcurrently(
            model_name="dialogue",
            index=models.Index(
                condition=models.Q(("answer_to__isnull", False)), fields=["answer_to"], name="dialogue_answers"
            ),
        ),
    ]
