"""An index by which a reviewer's last decision is found, made while people work. One left unfinished is made again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0035_words_of_reviews")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS review_by_reviewer", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="review",
            index=models.Index(fields=["reviewer", "created_at"], name="review_by_reviewer"),
        ),
    ]
