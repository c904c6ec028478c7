from django.contrib import admin
from django.urls import path

from cases import views

urlpatterns = [
    path('admin/', admin.site.urls),
    path('login', views.log_in),
    path('tenant', views.choose_tenant),
    path('records', views.records),
    path('records/<uuid:pk>', views.record),
]
