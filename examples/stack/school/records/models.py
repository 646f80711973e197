"""What a school records of its students (education records in the sense of FERPA)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models, transaction


class Student(models.Model):
    """A student."""

    name = models.CharField(max_length=200)
    born = models.DateField()
    guardian_email = models.EmailField(blank=True)

    def __str__(self) -> str:
        return f"student {self.pk}"


class Course(models.Model):
    """A course of the catalogue."""

    title = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.title


class Grade(models.Model):
    """A grade."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE)
    course = models.ForeignKey(Course, on_delete=models.PROTECT)
    value = models.DecimalField(max_digits=4, decimal_places=1)

    def __str__(self) -> str:
        return f"grade {self.pk}"


class Note(models.Model):
    """What a counsellor notes of a student. The database itself shows each campus only its own (migration 0002)."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE)
    campus = models.CharField(max_length=40)
    text = models.TextField()

    def __str__(self) -> str:
        return f"note {self.pk}"


@contextmanager
def at_campus(name: str) -> Iterator[None]:
    """A transaction that sees and writes the notes of that campus. Outside of one nobody sees any."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('records.campus', %s, true)", [name])
        yield
