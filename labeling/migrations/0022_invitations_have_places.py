"""The places of a link, checked for those that were made before."""

from __future__ import annotations

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("labeling", "0021_invitations_for_several")]
    operations = [ValidateConstraint(model_name="invitation", name="invitation_has_places")]
