"""The good project's map: everything is guarded but what its organisation lists."""

from django.contrib import admin
from django.urls import include, path
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from shop import views

urlpatterns = [
    path("", views.ByMixin.as_view(), name="home"),
    path("health/", views.health, name="health"),
    path("orders/", views.by_permission),
    path("admin/", admin.site.urls),
    path("saml2/", include("djangosaml2.urls")),
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/orders/", views.ApiDefault.as_view()),
    path("api/sets/", views.ApiSet.as_view({"get": "list"})),
]
