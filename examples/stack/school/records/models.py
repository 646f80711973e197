"""What a school records of its students (education records in the sense of FERPA)."""

from django.db import models


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
