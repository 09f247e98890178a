"""Addresses of the manager's site."""

from django.urls import path

from managing.views import (
    connecting,
    exporting,
    importing,
    new_project,
    people,
    pushing,
    rounds,
    settings,
    site,
    texts,
    time,
)  # fmt: skip

app_name = "managing"
urlpatterns = [
    path("", site.index, name="projects"),
    path("new/", new_project.new, name="new"),
    path("search/", site.find, name="search"),
    path("models/", connecting.models, name="models"),
    path("models/connect/", connecting.connect, name="models-connect"),
    path("models/connect/<int:number>/", connecting.connect, name="models-trial"),
    path("models/connect/<int:number>/register/", connecting.register, name="models-register"),
    path("projects/<slug:slug>/", site.project, name="project"),
    path("projects/<slug:slug>/archive/", site.archive, name="archive"),
    path("projects/<slug:slug>/people/", people.people, name="people"),
    path("projects/<slug:slug>/people/<str:username>/", people.change_role, name="people-role"),
    path("projects/<slug:slug>/invitations/<uuid:pk>/withdraw/", people.withdraw_invitation, name="people-withdraw"),
    path("projects/<slug:slug>/rounds/", rounds.rounds, name="rounds"),
    path("projects/<slug:slug>/rounds/new/", rounds.new, name="rounds-new"),
    path("projects/<slug:slug>/rounds/close/", rounds.close, name="rounds-close"),
    path("projects/<slug:slug>/guidelines/", texts.guidelines, name="guidelines"),
    path("projects/<slug:slug>/prompts/", texts.prompts, name="prompts"),
    path("projects/<slug:slug>/prompts/retire/", texts.retire, name="prompts-retire"),
    path("projects/<slug:slug>/imports/", importing.imports, name="imports"),
    path("projects/<slug:slug>/imports/<slug:upload>/", importing.one, name="imports-one"),
    path("projects/<slug:slug>/imports/<slug:upload>/do/<slug:what>/", importing.do, name="imports-do"),
    path("projects/<slug:slug>/imports/<slug:upload>/records/", importing.records, name="imports-records"),
    path("projects/<slug:slug>/exports/", exporting.exports, name="exports"),
    path("projects/<slug:slug>/exports/<slug:export>/", exporting.one, name="exports-one"),
    path("projects/<slug:slug>/exports/<slug:export>/do/<slug:what>/", exporting.do, name="exports-do"),
    path("projects/<slug:slug>/exports/<slug:export>/zip/", exporting.whole, name="exports-zip"),
    path("projects/<slug:slug>/exports/<slug:export>/files/<path:name>", exporting.file, name="exports-file"),
    path("projects/<slug:slug>/time/", time.time, name="time"),
    path("projects/<slug:slug>/time/days.csv", time.sheet, name="time-sheet"),
    path("projects/<slug:slug>/hub/", pushing.hub, name="exports-hub"),
    path("projects/<slug:slug>/hub/<int:number>/take-back/", pushing.take_back, name="exports-hub-back"),
    path("projects/<slug:slug>/settings/", settings.settings, name="settings"),
]
