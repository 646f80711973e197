"""The records in the administration."""

from django.contrib import admin

from records.models import Course, Grade, Student

admin.site.register([Student, Course, Grade])
