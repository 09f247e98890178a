"""By which the next task without flagged texts is found, and what a person ended this week. Made while people work; one
that a try left unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0039_kinds_of_harm_of_tasks")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS comparison_harmless", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "comparison",
            models.Index(
                fields=["project", "opened_at", "id"],
                name="comparison_harmless",
                condition=models.Q(state="open", harms=[]),
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS assignment_by_end", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "assignment",
            models.Index(
                fields=["trainer", "ended_at"], name="assignment_by_end", condition=models.Q(ended_at__isnull=False)
            ),
        ),
    ]
