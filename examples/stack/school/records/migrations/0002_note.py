import django.db.models.deletion
from django.db import migrations, models

TABLE = "records_note"


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("campus", models.CharField(max_length=40)),
                ("text", models.TextField()),
                ("student", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="records.student")),
            ],
        ),
        migrations.RunSQL(
            [
                f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY",
                f"CREATE POLICY own_campus ON {TABLE} USING (campus = current_setting('records.campus', true))",
            ],
            [f"DROP POLICY own_campus ON {TABLE}", f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY"],
        ),
    ]
