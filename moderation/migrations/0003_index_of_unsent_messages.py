"""By whom the blocked messages are, for withdrawals; made while people work. One that a try left unfinished is made
again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("moderation", "0002_filters_of_projects_and_unsent_messages")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS verdict_on_messages", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="verdict",
            index=models.Index(
                condition=models.Q(("author__isnull", False)), fields=["author"], name="verdict_on_messages"
            ),
        ),
    ]
