"""The index by which the manager's search finds dialogues, made while people work."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations
from django.db.models.functions import Left


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0022_invitations_have_places")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS turn_words", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="turn",
            index=GinIndex(SearchVector(Left("text", 20000), config="simple"), name="turn_words"),
        ),
    ]
