"""Suggestions that were asked for before are found in what names them: turns, and composers of drafts."""

from django.db import migrations

FORWARD = """
INSERT INTO labeling_suggestionrequest (dialogue_id, request_id)
SELECT DISTINCT ON (request.id) named.dialogue_id, request.id
FROM (
    SELECT turn.dialogue_id, turn.created_at AS at, completion.request_id
    FROM labeling_turn turn JOIN sampler_completion completion ON completion.id = turn.completion_id
    UNION ALL
    SELECT turn.dialogue_id, turn.created_at, completion.request_id
    FROM labeling_turn turn, jsonb_array_elements_text(
        CASE WHEN jsonb_typeof(turn.suggestions_shown) = 'array' THEN turn.suggestions_shown END
    ) shown
    JOIN sampler_completion completion ON completion.id::text = shown
    UNION ALL
    SELECT dialogue.id, dialogue.created_at, request.id
    FROM labeling_dialogue dialogue, jsonb_array_elements_text(
        CASE WHEN jsonb_typeof(dialogue.composer -> 'requests') = 'array' THEN dialogue.composer -> 'requests' END
    ) asked
    JOIN sampler_samplerequest request ON request.id::text = asked
) named
JOIN sampler_samplerequest request ON request.id = named.request_id AND request.purpose = 'suggestion'
ORDER BY request.id, named.at
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("labeling", "0010_suggestion_requests")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
