"""Indexes by which a withdrawal finds copies, made while people work. One that a try left unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0014_origins_of_copies")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS comparison_copies", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="comparison",
            index=models.Index(
                condition=models.Q(("copied_from__isnull", False)), fields=["copied_from"], name="comparison_copies"
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS dialogue_answers", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="dialogue",
            index=models.Index(
                condition=models.Q(("answer_to__isnull", False)), fields=["answer_to"], name="dialogue_answers"
            ),
        ),
    ]
