"""By which the few flagged texts of a project are found, for reviewers who do not want to meet them; made while people
work. One that a try left unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("moderation", "0008_marks_can_be_taken_back")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS verdict_of_harm", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="verdict",
            index=models.Index(fields=["project"], name="verdict_of_harm", condition=~models.Q(harms=[])),
        ),
    ]
