"""The same addresses with one view that asks nobody who he is: a fault to be planted (faults.md)."""

from django.urls import path
from records.views import Grades
from rest_framework.permissions import AllowAny

from school import urls


class OpenGrades(Grades):
    """The grades of a student, for everybody."""

    permission_classes = (AllowAny,)


urlpatterns = [path("api/open/<int:number>/grades/", OpenGrades.as_view(), name="open-grades"), *urls.urlpatterns]
