"""The index by which the manager's search finds prompts, made while people work."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models
from django.db.models.functions import Cast, Left, Replace


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("labeling", "0044_index_of_red_team_chats")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS prompt_words", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="prompt",
            index=GinIndex(
                SearchVector(
                    Left(
                        Replace(
                            Cast(
                                models.Func(
                                    "messages",
                                    function="jsonb_path_query_array",
                                    template="%(function)s(%(expressions)s, '$[*].content')",
                                    output_field=models.JSONField(),
                                ),
                                models.TextField(),
                            ),
                            models.Value("\\n"),
                            models.Value(" "),
                        ),
                        20000,
                    ),
                    config="simple",
                ),
                name="prompt_words",
            ),
        ),
    ]
