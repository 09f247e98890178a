"""The drafts that an earlier release discarded with their texts; one that a try left unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0046_who_withdrew_can_come_back")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS dialogue_to_empty", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="dialogue",
            index=models.Index(
                condition=models.Q(("state", "discarded"), ("submitted_at__isnull", True), ("withdrawn_at__isnull", True)),
                fields=["project"],
                name="dialogue_to_empty",
            ),
        ),
    ]
