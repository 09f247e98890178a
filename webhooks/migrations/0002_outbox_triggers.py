"""The outbox: events write their deliveries themselves, in their own transaction."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION webhooks_announce(project uuid, happened text, object_key uuid, what jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO webhooks_delivery (subscription_id, event, object_key, data)
    SELECT s.id, happened, object_key, jsonb_build_object('project', p.slug) || what
    FROM webhooks_subscription s JOIN labeling_project p ON p.id = s.project_id
    WHERE s.project_id = project AND s.ended_at IS NULL AND happened = ANY (s.events);
$$;

CREATE FUNCTION webhooks_on_ranking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_announce(
        (SELECT project_id FROM labeling_comparison WHERE id = NEW.comparison_id),
        CASE WHEN TG_OP = 'INSERT' THEN 'ranking.submitted' ELSE 'ranking.undone' END,
        NEW.comparison_id,
        jsonb_build_object('ranking', NEW.id, 'comparison', NEW.comparison_id));
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_ranking_submitted AFTER INSERT ON labeling_ranking
    FOR EACH ROW WHEN (NEW.kind <> 'imported') EXECUTE FUNCTION webhooks_on_ranking();
CREATE TRIGGER webhooks_ranking_undone AFTER UPDATE OF undone_at ON labeling_ranking
    FOR EACH ROW WHEN (OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL) EXECUTE FUNCTION webhooks_on_ranking();

CREATE FUNCTION webhooks_on_comparison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_announce(
        NEW.project_id, 'comparison.closed', NEW.id, jsonb_build_object('comparison', NEW.id));
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_comparison_closed AFTER UPDATE OF state ON labeling_comparison
    FOR EACH ROW WHEN (OLD.state <> 'closed' AND NEW.state = 'closed') EXECUTE FUNCTION webhooks_on_comparison();

CREATE FUNCTION webhooks_on_export() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_announce(NEW.project_id, 'export.finished', NEW.id, jsonb_build_object('export', NEW.id));
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_export_finished AFTER UPDATE OF state ON exports_exportrun
    FOR EACH ROW WHEN (OLD.state <> 'finished' AND NEW.state = 'finished') EXECUTE FUNCTION webhooks_on_export();
"""
BACKWARD = """
DROP TRIGGER webhooks_export_finished ON exports_exportrun;
DROP TRIGGER webhooks_comparison_closed ON labeling_comparison;
DROP TRIGGER webhooks_ranking_undone ON labeling_ranking;
DROP TRIGGER webhooks_ranking_submitted ON labeling_ranking;
DROP FUNCTION webhooks_on_export();
DROP FUNCTION webhooks_on_comparison();
DROP FUNCTION webhooks_on_ranking();
DROP FUNCTION webhooks_announce(uuid, text, uuid, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("labeling", "0003_access_invitation"), ("exports", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
