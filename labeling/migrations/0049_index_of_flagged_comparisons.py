"""The comparisons with a flagged text, whose time is counted for each person; one left unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0048_blind_votes_are_named")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS comparison_flagged", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="comparison",
            index=models.Index(condition=~models.Q(harms=[]), fields=["project"], name="comparison_flagged"),
        ),
    ]
