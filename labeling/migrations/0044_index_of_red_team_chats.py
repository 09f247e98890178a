"""The chats of a rule, made while people work; one that a try left unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0043_red_team")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS dialogue_by_rule", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="dialogue",
            index=models.Index(condition=models.Q(("rule__isnull", False)), fields=["rule"], name="dialogue_by_rule"),
        ),
    ]
