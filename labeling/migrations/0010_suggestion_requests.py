"""Which dialogue suggestions were asked for in, so that no turn names one of another project."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION labeling_turn_names_own_suggestion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM sampler_completion completion
        JOIN labeling_suggestionrequest asked ON asked.request_id = completion.request_id
        JOIN labeling_dialogue offered ON offered.id = asked.dialogue_id
        JOIN labeling_dialogue written ON written.id = NEW.dialogue_id
        WHERE completion.id = NEW.completion_id AND offered.project_id <> written.project_id
    ) THEN
        RAISE EXCEPTION 'a turn names a suggestion of another project' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER turn_names_own_suggestion BEFORE INSERT OR UPDATE OF completion_id, dialogue_id ON labeling_turn
    FOR EACH ROW WHEN (NEW.completion_id IS NOT NULL) EXECUTE FUNCTION labeling_turn_names_own_suggestion();
"""
BACKWARD = """
DROP TRIGGER turn_names_own_suggestion ON labeling_turn;
DROP FUNCTION labeling_turn_names_own_suggestion();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0009_imported_ratings_and_context_turns"),
        ("sampler", "0001_initial"),
    ]
    operations = [
        migrations.CreateModel(
            name="SuggestionRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "dialogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suggestion_requests",
                        to="labeling.dialogue",
                    ),
                ),
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sampler.samplerequest"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
