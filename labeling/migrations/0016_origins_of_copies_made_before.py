"""Origins of the copies that were made before: by what names them, and where nothing does, by equal texts."""

from django.db import migrations

IDEAL_ANSWERS = """
UPDATE labeling_dialogue d SET answer_to_id = r.comparison_id
FROM labeling_ranking r WHERE r.ideal_answer_id = d.id AND d.answer_to_id IS NULL;
"""
HANDED_OUT = """
UPDATE labeling_comparison SET copied_from_id = repeat_of_id WHERE repeat_of_id IS NOT NULL AND copied_from_id IS NULL;
"""
# Items of known order name nothing. They hold the prompt of an earlier comparison, or what stood there before it was
# withdrawn: then the key of the prompt still tells. Of several, the one with the same completions.
ITEMS = """
WITH texts AS (
    SELECT k.comparison_id, array_agg(x.text ORDER BY x.text) AS told
    FROM labeling_candidate k JOIN sampler_completion x ON x.id = k.completion_id
    JOIN labeling_comparison c ON c.id = k.comparison_id
    WHERE c.prompt_key IN (SELECT prompt_key FROM labeling_comparison WHERE kind IN ('calibration', 'exam'))
    GROUP BY k.comparison_id
), found AS (
    SELECT DISTINCT ON (item.id) item.id, origin.id AS origin
    FROM labeling_comparison item
    JOIN labeling_comparison origin ON origin.project_id = item.project_id AND origin.prompt_key = item.prompt_key
        AND origin.created_at < item.created_at AND origin.kind NOT IN ('calibration', 'exam', 'repeat')
        AND (origin.prompt = item.prompt OR origin.prompt -> 0 ->> 'content' = '[withdrawn]')
    LEFT JOIN texts of_item ON of_item.comparison_id = item.id
    LEFT JOIN texts of_origin ON of_origin.comparison_id = origin.id
    WHERE item.kind IN ('calibration', 'exam') AND item.copied_from_id IS NULL AND item.repeat_of_id IS NULL
    ORDER BY item.id, coalesce(of_item.told = of_origin.told, false) DESC, (origin.prompt = item.prompt) DESC,
        origin.created_at DESC
)
UPDATE labeling_comparison c SET copied_from_id = found.origin FROM found WHERE c.id = found.id;
"""
NAMED_REPLIES = """
INSERT INTO labeling_replyrequest (dialogue_id, request_id)
SELECT DISTINCT ON (request.id) named.dialogue_id, request.id
FROM (
    SELECT t.dialogue_id, t.created_at AS at, x.request_id
    FROM labeling_turn t JOIN sampler_completion x ON x.id = t.completion_id
    UNION ALL
    SELECT d.id, d.created_at, d.pending_request_id FROM labeling_dialogue d WHERE d.pending_request_id IS NOT NULL
) named
JOIN sampler_samplerequest request ON request.id = named.request_id AND request.purpose = 'reply'
ORDER BY request.id, named.at
ON CONFLICT DO NOTHING;
"""
# What was asked and not kept: a reply that failed or was empty, suggestions that nobody took. The request holds the
# turns as they stood, so a dialogue that begins with just these is where it was asked.
_BY_TEXT = """
INSERT INTO {table} (dialogue_id, request_id)
SELECT DISTINCT ON (request.id) t.dialogue_id, request.id
FROM sampler_samplerequest request
JOIN labeling_turn t ON t.position = jsonb_array_length(request.prompt) - 1
    AND md5(t.text) = md5(request.prompt -> -1 ->> 'content')
WHERE request.purpose = '{purpose}' AND jsonb_typeof(request.prompt) = 'array'
    AND NOT EXISTS (SELECT 1 FROM {table} known WHERE known.request_id = request.id)
    AND request.prompt = (
        SELECT jsonb_agg(jsonb_build_object('role', b.role, 'content', b.text) ORDER BY b.position)
        FROM labeling_turn b WHERE b.dialogue_id = t.dialogue_id AND b.position <= t.position)
ORDER BY request.id, abs(extract(epoch FROM request.created_at - t.created_at))
ON CONFLICT DO NOTHING;
"""
FORWARD = "".join([
    IDEAL_ANSWERS, HANDED_OUT, ITEMS, NAMED_REPLIES,
    _BY_TEXT.format(table="labeling_replyrequest", purpose="reply"),
    _BY_TEXT.format(table="labeling_suggestionrequest", purpose="suggestion"),
])  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("labeling", "0015_indexes_of_origins")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
