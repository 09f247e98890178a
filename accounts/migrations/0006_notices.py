"""Notices, the e-mails that carry them, and what people chose to be told."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0005_languages_of_people"),
    ]

    operations = [
        migrations.CreateModel(
            name='NoticeChoices',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='notice_choices', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('not_shown', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=15), blank=True, default=list, size=None)),
                ('not_mailed', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=15), blank=True, default=list, size=None)),
                ('language', models.CharField(blank=True, default='', help_text='As of the last choice or sign-in.', max_length=10)),
            ],
            options={
                'verbose_name_plural': 'notice choices',
            },
        ),
        migrations.CreateModel(
            name='NoticeMail',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('sent', 'Sent'), ('failed', 'Given up')], default='pending', max_length=10)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=300)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notice_mails', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('returned', 'A reviewer sent work of mine back'), ('invited', 'I was added to a project'), ('answered', 'A question of mine was answered'), ('guidelines', 'New guidelines'), ('goal', 'I reached the day’s goal'), ('export_failed', 'An export failed (for managers)')], max_length=15)),
                ('key', models.CharField(help_text='What happened: nobody is told twice of the same.', max_length=120)),
                ('project_id', models.UUIDField(blank=True, null=True)),
                ('subject', models.CharField(help_text="The project's title.", max_length=200)),
                ('address', models.CharField(help_text='Where it leads, on this site.', max_length=300)),
                ('shown', models.BooleanField(default=True, help_text='On pages.')),
                ('mailed', models.BooleanField(default=False, help_text='By e-mail, unless it is read before.')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
                ('mail', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='notices', to='accounts.noticemail')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddIndex(
            model_name='noticemail',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['next_try_at'], name='notice_mail_due'),
        ),
        migrations.AddConstraint(
            model_name='noticemail',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'pending')), fields=('user',), name='notice_mail_one_pending'),
        ),
        migrations.AddConstraint(
            model_name='noticemail',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'sent'), _negated=True), ('sent_at__isnull', False), _connector='OR'), name='notice_mail_sent_has_time'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('read_at', None), ('shown', True)), fields=['user', '-id'], name='notice_unread'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('mail', None), ('mailed', True), ('read_at', None)), fields=['user'], name='notice_to_mail'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('mail__isnull', False)), fields=['mail'], name='notice_of_mail'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('user', 'key'), name='notice_once_per_person'),
        ),
    ]
