"""Copies know what they were copied from, so that a withdrawal finds them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0013_how_completions_were_read'),
        ('sampler', '0006_system_turn_of_model_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='comparison',
            name='copied_from',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The comparison whose texts it holds; a withdrawal follows it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='copies', to='labeling.comparison'),
        ),
        migrations.AddField(
            model_name='comparison',
            name='withdrawn_at',
            field=models.DateTimeField(blank=True, help_text='When the text that it rests on was emptied.', null=True),
        ),
        migrations.AddField(
            model_name='dialogue',
            name='answer_to',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The comparison whose prompt it opens with, of an ideal answer; a withdrawal follows it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='ideal_answers', to='labeling.comparison'),
        ),
        migrations.AddField(
            model_name='dialogue',
            name='withdrawn_at',
            field=models.DateTimeField(blank=True, help_text='When the text that it rests on was emptied.', null=True),
        ),
        migrations.CreateModel(
            name='ReplyRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('dialogue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reply_requests', to='labeling.dialogue')),
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sampler.samplerequest')),
            ],
        ),
    ]
