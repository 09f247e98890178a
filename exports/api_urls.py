from django.urls import path

from exports import api

urlpatterns = [
    path("exports/", api.Exports.as_view()),
    path("exports/<uuid:pk>/", api.OneExport.as_view()),
    path("exports/<uuid:pk>/files/<path:path>", api.ExportFileView.as_view()),
]
