"""Questions about guidelines and tasks, with their answers."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("labeling", "0032_terms_and_consent"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('about', models.CharField(choices=[('guidelines', 'Guidelines'), ('comparison', 'Comparison'), ('dialogue', 'Dialogue'), ('ranking', 'Review')], max_length=10)),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('answer', models.TextField(blank=True, default='')),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('for_everybody', models.BooleanField(default=False, help_text='Shown with its answer to every member, where it belongs.')),
                ('withdrawn_at', models.DateTimeField(blank=True, help_text='When its words were emptied.', null=True)),
                ('answered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='questions', to=settings.AUTH_USER_MODEL)),
                ('comparison', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='labeling.comparison')),
                ('dialogue', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='labeling.dialogue')),
                ('guideline_version', models.ForeignKey(blank=True, db_index=False, help_text='In force when it was asked.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='labeling.guidelineversion')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='labeling.project')),
                ('ranking', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='labeling.ranking')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['project', 'about', '-created_at'], name='question_of_project'), models.Index(condition=models.Q(('answered_at', None), ('withdrawn_at', None)), fields=['project'], name='question_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('about', 'guidelines'), ('comparison', None), ('dialogue', None), ('ranking', None)), models.Q(('about', 'comparison'), ('comparison__isnull', False), ('dialogue', None), ('ranking', None)), models.Q(('about', 'dialogue'), ('comparison', None), ('dialogue__isnull', False), ('ranking', None)), models.Q(('about', 'ranking'), ('comparison', None), ('dialogue', None), ('ranking__isnull', False)), _connector='OR'), name='question_about_one_thing'), models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_at', None), ('answered_by', None), ('for_everybody', False)), models.Q(('answered_at__isnull', False), ('answered_by__isnull', False), models.Q(('answer', ''), _negated=True)), _connector='OR'), name='question_answer_is_whole'), models.CheckConstraint(condition=models.Q(('about', 'ranking'), ('for_everybody', True), _negated=True), name='question_on_a_review_is_not_for_everybody')],
            },
        ),
    ]
