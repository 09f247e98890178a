"""Rules that trainers try to make a model break, the chats that are bound to one, and what is said of them."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0042_guests_as_in_the_research_preview'),
        ('sampler', '0009_trials_of_models'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='rank_red_team',
            field=models.BooleanField(db_default=False, default=False, help_text='Random turns of red-team chats become comparisons too.', verbose_name='rank red-team chats'),
        ),
        migrations.AddField(
            model_name='review',
            name='finding',
            field=models.CharField(blank=True, choices=[('broken', 'The rule is broken'), ('held', 'The rule is not broken'), ('unclear', 'Unclear whether the rule is broken')], db_default='', default='', help_text='Of an accepted red-team chat: whether its rule is broken.', max_length=7),
        ),
        migrations.CreateModel(
            name='RedTeamAttempt',
            fields=[
                ('dialogue', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='attempt', serialize=False, to='labeling.dialogue')),
                ('outcome', models.CharField(blank=True, choices=[('', 'Not said yet'), ('broken', 'A reply broke the rule'), ('held', 'The model kept the rule')], default='', max_length=6)),
                ('strategies', models.JSONField(blank=True, default=list)),
                ('how', models.TextField(blank=True, help_text="In the trainer's own words.")),
                ('severity', models.PositiveSmallIntegerField(blank=True, choices=[(1, 'slight'), (2, 'serious'), (3, 'severe')], null=True)),
                ('saved_at', models.DateTimeField(auto_now=True)),
                ('turn', models.ForeignKey(blank=True, help_text='The reply that broke it.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='labeling.turn')),
            ],
        ),
        migrations.CreateModel(
            name='RedTeamRule',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(help_text='Counts within the project; its versions share it.')),
                ('version', models.PositiveIntegerField(default=1)),
                ('name', models.CharField(max_length=80)),
                ('sentence', models.CharField(help_text='What the model must not do.', max_length=500)),
                ('category', models.CharField(blank=True, help_text='Of the content filter, if it belongs to one.', max_length=60)),
                ('place', models.PositiveIntegerField(help_text="In the order of the project's rules.")),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(blank=True, help_text='Nobody is given it any more.', null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='red_team_rules', to='labeling.project')),
            ],
            options={
                'ordering': ['project', 'place', 'number', '-version'],
            },
        ),
        migrations.AddField(
            model_name='dialogue',
            name='rule',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Of a red-team chat: what its trainer tries to make the model break.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dialogues', to='labeling.redteamrule'),
        ),
        migrations.AddConstraint(
            model_name='redteamattempt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'broken'), ('turn__isnull', False)), models.Q(models.Q(('outcome', 'broken'), _negated=True), ('turn__isnull', True)), _connector='OR'), name='red_team_broken_names_a_reply'),
        ),
        migrations.AddConstraint(
            model_name='redteamattempt',
            constraint=models.CheckConstraint(condition=models.Q(('severity__isnull', True), ('severity__range', (1, 3)), _connector='OR'), name='red_team_severity_1_to_3'),
        ),
        migrations.AddConstraint(
            model_name='redteamrule',
            constraint=models.UniqueConstraint(fields=('project', 'number', 'version'), name='red_team_rule_version_once'),
        ),
        migrations.AddConstraint(
            model_name='redteamrule',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('project', 'number'), name='red_team_rule_in_force_once'),
        ),
    ]
