"""Where everything is found."""

from django.contrib import admin
from django.urls import include, path
from django_otp.admin import OTPAdminSite
from records import views
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

admin.site.__class__ = OTPAdminSite  # the second factor is asked for at sign-in

urlpatterns = [
    path("", views.home, name="home"),
    path("catalogue/", views.catalogue, name="catalogue"),
    path("students/<int:number>/", views.student, name="student"),
    path("api/students/<int:number>/grades/", views.Grades.as_view(), name="grades"),
    path("api/token/", TokenObtainPairView.as_view(), name="token"),
    path("api/token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("saml2/", include("djangosaml2.urls")),
    path("admin/", admin.site.urls),
]
