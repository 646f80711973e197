"""Pages and the interface for programs."""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control, never_cache
from rest_framework.permissions import DjangoModelPermissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from records.models import Course, Grade, Student


@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The first page, which is everybody's."""
    return HttpResponse("<!doctype html><title>School</title><h1>School</h1>")


@cache_control(public=True, max_age=300)
def catalogue(request: HttpRequest) -> JsonResponse:
    """The courses, which are everybody's."""
    return JsonResponse({"courses": [course.title for course in Course.objects.order_by("title")]})


@never_cache
@login_required
@permission_required("records.view_student", raise_exception=True)
def student(request: HttpRequest, number: int) -> HttpResponse:
    """A student's page."""
    found = get_object_or_404(Student, pk=number)
    return HttpResponse(f"<!doctype html><title>Student</title><h1>Student {found.pk}</h1>")


class Grades(APIView):
    """The grades of a student, for those who may see grades."""

    permission_classes = (DjangoModelPermissions,)
    queryset = Grade.objects.all()

    def get(self, request: Request, number: int) -> Response:
        """The grades by course."""
        rows = Grade.objects.filter(student=number).select_related("course")
        return Response({grade.course.title: str(grade.value) for grade in rows})
