"""Every view there is, under its own name."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from shop import views

_FUNCTIONS = [
    name for name in vars(views) if name.startswith(("by_", "cached_", "closed_", "open_", "health", "checks_", "hook"))
]
_CLASSES = [n for n in vars(views) if n.startswith(("ByM", "ByP", "ByT", "ByO", "Half", "Open", "Own"))]
_API = [n for n in vars(views) if n.startswith("Api") and n not in ("ApiSet", "APIView")]

urlpatterns = [
    *(path(f"{name}/", getattr(views, name)) for name in _FUNCTIONS),
    *(path(f"{name}/", getattr(views, name).as_view()) for name in (*_CLASSES, *_API)),
    path("wrapped_class/", views.login_required(views.OpenTemplate.as_view())),
    path("unnamed_wrapper/", lambda request: views.health(request)),
    path("ApiSet/", views.ApiSet.as_view({"get": "list"})),
    path("ApiSetOpen/", views.ApiSet.as_view({"get": "list"}, permission_classes=[])),
    path("api_function/", views.api_function),
    path("accounts/login/", auth.LoginView.as_view()),
    path("accounts/password/", auth.PasswordChangeView.as_view()),
    path("admin/", admin.site.urls),
    path("saml2/", include("djangosaml2.urls")),
]
