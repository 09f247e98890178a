"""TRUNCATE of the audit log is refused too: triggers on rows do not see it."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_is_append_only();
"""
BACKWARD = "DROP TRIGGER audit_not_truncated ON accounts_auditentry;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_access_idempotent_reply")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
