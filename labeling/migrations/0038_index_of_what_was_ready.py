"""By when it opened: what AI judges have not been asked about yet. Made while people work; one that a try left
unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0037_ai_judges")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS comparison_ready", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="comparison",
            index=models.Index(
                condition=models.Q(("state__in", ["open", "closed"])),
                fields=["project", "opened_at"],
                name="comparison_ready",
            ),
        ),
    ]
