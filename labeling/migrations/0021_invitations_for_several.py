"""A link may be for several people. Those that were used have used their one place."""

from __future__ import annotations

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("labeling", "0020_given_prompts")]

    operations = [
        migrations.AddField(
            "invitation",
            "places",
            models.PositiveSmallIntegerField(default=1, db_default=1, help_text="How many people may use the link."),
        ),
        migrations.AddField(
            "invitation",
            "uses",
            models.PositiveSmallIntegerField(default=0, db_default=0, help_text="How many have used it."),
        ),
        migrations.AlterField(
            "invitation",
            "used_at",
            models.DateTimeField(null=True, blank=True, help_text="When its last place was taken."),
        ),
        migrations.RunSQL(
            "UPDATE labeling_invitation SET uses = 1 WHERE used_at IS NOT NULL", migrations.RunSQL.noop
        ),
        AddConstraintNotValid(
            "invitation",
            models.CheckConstraint(name="invitation_has_places", condition=Q(places__gte=1, uses__lte=F("places"))),
        ),
    ]
