import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_notices")]
    operations = [
        migrations.AddField(
            model_name="user",
            name="opted_out_of",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), blank=True, db_default=[], default=list,
                help_text="Kinds of harm, as the content filter names them, that the person does not want to meet.",
                size=None,
            ),
        ),
    ]  # fmt: skip
