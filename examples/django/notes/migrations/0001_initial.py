import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

import cases.models


class Migration(migrations.Migration):
    initial = True
    dependencies = [('cases', '__first__'), ('contenttypes', '0002_remove_content_type_name')]

    operations = [
        migrations.CreateModel(
            name='Note',
            fields=[
                ('created_at', models.DateTimeField(db_default=Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=Now(), editable=False)),
                ('id', models.UUIDField(db_default=cases.models.UuidV7(), editable=False, primary_key=True,
                                        serialize=False)),
                ('body', models.TextField()),
                ('record', models.ForeignKey(db_constraint=False, db_index=False,
                                             on_delete=django.db.models.deletion.DO_NOTHING, related_name='notes',
                                             to='cases.record')),
                ('tenant', models.ForeignKey(db_constraint=False, db_default=cases.models.CurrentTenant(),
                                             db_index=False, editable=False,
                                             on_delete=django.db.models.deletion.DO_NOTHING, related_name='+',
                                             to='cases.tenant')),
            ],
            options={'indexes': [models.Index(fields=['tenant', 'record'], name='notes_of_a_record')]},
        ),
        # policies and privileges; protect() returns the statements that are left to do
        migrations.RunSQL("""DO $$ DECLARE statement text; BEGIN
                                 FOREACH statement IN ARRAY casnet.protect('notes_note') LOOP
                                     EXECUTE statement;
                                 END LOOP;
                             END $$""", "SELECT casnet.unprotect('notes_note')"),
        # a superuser has granted REFERENCES
        migrations.RunSQL("""ALTER TABLE notes_note ADD FOREIGN KEY (record_id, tenant_id)
                             REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE""",
                          migrations.RunSQL.noop),
        # the admin looks up the type of what it shows
        migrations.RunSQL("""GRANT SELECT ON django_content_type TO casnet_user;
                             SELECT casnet.exempt('django_content_type')""", migrations.RunSQL.noop),
    ]
