"""One view for each way of guarding one, and each way of only seeming to."""

import functools

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required, permission_required, user_passes_test
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin, UserPassesTestMixin
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET
from django.views.generic import TemplateView
from rest_framework import authentication, permissions, viewsets
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response
from rest_framework.views import APIView


def teacher_required(view):
    """A decorator of the project's own."""

    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        if request.GET.get("demo"):
            return HttpResponse("demo")
        return view(request, *args, **kwargs)

    return wrapper


def impostor(view):
    """Looks like login_required and is not."""

    @functools.wraps(view)
    def login_required(request, *args, **kwargs):
        return view(request, *args, **kwargs)

    login_required.__module__ = "django.contrib.auth.decorators"
    return login_required


@login_required
def by_login(request):
    return HttpResponse("ok")


@never_cache
@csrf_protect
@require_GET
@login_required
def by_login_under_harmless(request):
    return HttpResponse("ok")


@cache_page(60)
@login_required
def cached_before_login(request):
    return HttpResponse("ok")


@permission_required("shop.change_order")
def by_permission(request):
    return HttpResponse("ok")


@permission_required([])
def by_no_permission(request):
    return HttpResponse("ok")


@staff_member_required
def by_staff(request):
    return HttpResponse("ok")


@user_passes_test(lambda user: True)
def by_any_test(request):
    return HttpResponse("ok")


@teacher_required
@login_required
def by_own_then_login(request):
    return HttpResponse("ok")


@login_required
@teacher_required
def by_login_then_own(request):
    return HttpResponse("ok")


@impostor
def by_impostor(request):
    return HttpResponse("ok")


def open_page(request):
    return render(request, "page.html", {"title": "Welcome"})


def health(request):
    return JsonResponse({"ok": True})


def closed_page(request):
    return HttpResponse("closed", status=403)


def checks_inside(request):
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    return HttpResponse("ok")


class ByMixin(LoginRequiredMixin, TemplateView):
    template_name = "page.html"


class ByMixinTooLate(TemplateView, LoginRequiredMixin):
    template_name = "page.html"


class ByMixinBehindDispatch(LoginRequiredMixin, View):
    def dispatch(self, request, *args, **kwargs):
        if request.GET.get("demo"):
            return HttpResponse("demo")
        return super().dispatch(request, *args, **kwargs)


class ByMixinThatLetsGo(LoginRequiredMixin, TemplateView):
    template_name = "page.html"

    def handle_no_permission(self):
        return HttpResponse("come in")


class ByPermissionMixin(PermissionRequiredMixin, TemplateView):
    permission_required = "shop.view_order"
    template_name = "page.html"


class ByTestMixin(UserPassesTestMixin, TemplateView):
    template_name = "page.html"

    def test_func(self):
        return True


@method_decorator([never_cache, login_required], name="dispatch")
class ByMethodDecorator(TemplateView):
    template_name = "page.html"


@method_decorator(teacher_required, name="dispatch")
class ByOwnMethodDecorator(TemplateView):
    template_name = "page.html"


class HalfGuarded(View):
    def get(self, request):
        return HttpResponse("ok")

    @method_decorator(login_required)
    def post(self, request):
        return HttpResponse("ok")


class OpenTemplate(TemplateView):
    template_name = "page.html"


class OwnTemplate(TemplateView):
    template_name = "page.html"

    def get_context_data(self, **kwargs):
        if not self.request.user.is_staff:
            raise PermissionError
        return kwargs


class ByRequest(permissions.BasePermission):
    """A permission class of the project's own."""

    def has_permission(self, request, view):
        return "demo" in request.GET


class ApiDefault(APIView):
    def get(self, request):
        return Response({})


class ApiOpen(ApiDefault):
    permission_classes = (permissions.AllowAny,)


class ApiNone(ApiDefault):
    permission_classes = ()


class ApiReadOnly(ApiDefault):
    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)


class ApiOwn(ApiDefault):
    permission_classes = (ByRequest,)


class ApiOwnAndSignedIn(ApiDefault):
    permission_classes = (
        ByRequest,
        permissions.IsAuthenticated,
    )


class ApiEither(ApiDefault):
    permission_classes = (permissions.IsAuthenticated | permissions.AllowAny,)


class ApiBoth(ApiDefault):
    permission_classes = (permissions.IsAuthenticated & ByRequest,)


class ApiByAction(ApiDefault):
    permission_classes = (permissions.IsAuthenticated,)

    def get_permissions(self):
        return []


class EverybodyIsSomebody(authentication.BaseAuthentication):
    """Takes every stranger for a signed-in user."""

    def authenticate(self, request):
        return get_user_model()(username="demo"), None


class ApiSignsInAnybody(ApiDefault):
    authentication_classes = (EverybodyIsSomebody,)
    permission_classes = (permissions.IsAuthenticated,)


class ApiModelRoot(ApiDefault):
    permission_classes = (permissions.DjangoModelPermissions,)
    _ignore_model_permissions = True


class ApiBroken(ApiDefault):
    permission_classes = 5


class ApiSet(viewsets.ViewSet):
    permission_classes = (permissions.IsAdminUser,)

    def list(self, request):
        return Response([])


@api_view(["GET"])
@permission_classes([permissions.AllowAny])
def api_function(request):
    return Response({})


@csrf_exempt
def hook(request):
    return HttpResponse(request.body)
