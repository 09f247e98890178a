"""Addresses of the labeling API, under /api/v1/."""

from django.urls import path

from labeling.api import agreements, assignments, comparisons, dialogues, projects, questions, suggestions, turns

urlpatterns = [
    path("projects/", projects.Projects.as_view()),
    path("projects/<slug:slug>/", projects.OneProject.as_view()),
    path("projects/<slug:slug>/progress/", projects.ProgressView.as_view()),
    path("projects/<slug:slug>/rounds/", projects.Rounds.as_view()),
    path("projects/<slug:slug>/rounds/<int:number>/goals/", projects.RoundGoals.as_view()),
    path("projects/<slug:slug>/prompts/", projects.Prompts.as_view()),
    path("projects/<slug:slug>/members/", projects.Members.as_view()),
    path("projects/<slug:slug>/members/<str:username>/", projects.OneMember.as_view()),
    path("projects/<slug:slug>/invitations/", projects.Invitations.as_view()),
    path("projects/<slug:slug>/agreements/", agreements.Agreements.as_view()),
    path("projects/<slug:slug>/assignments/", assignments.Assignments.as_view()),
    path("projects/<slug:slug>/comparisons/", comparisons.Comparisons.as_view()),
    path("projects/<slug:slug>/dialogues/", dialogues.Dialogues.as_view()),
    path("projects/<slug:slug>/questions/", questions.Questions.as_view()),
    path("questions/<uuid:pk>/", questions.OneQuestion.as_view()),
    path("questions/<uuid:pk>/answer/", questions.Answer.as_view()),
    path("assignments/<uuid:pk>/", assignments.OneAssignment.as_view()),
    path("assignments/<uuid:pk>/ranking/", assignments.RankingView.as_view()),
    path("assignments/<uuid:pk>/draft/", assignments.Draft.as_view()),
    path("assignments/<uuid:pk>/skip/", assignments.Skip.as_view()),
    path("assignments/<uuid:pk>/heartbeat/", assignments.Heartbeat.as_view()),
    path("assignments/<uuid:pk>/undo/", assignments.Undo.as_view()),
    path("comparisons/<uuid:pk>/", comparisons.OneComparison.as_view()),
    path("dialogues/<uuid:pk>/", dialogues.OneDialogue.as_view()),
    path("dialogues/<uuid:pk>/turns/", turns.Turns.as_view()),
    path("dialogues/<uuid:pk>/suggestions/", suggestions.Suggestions.as_view()),
    path("dialogues/<uuid:pk>/suggestions/<str:key>/", suggestions.OneSuggestionRequest.as_view()),
    path("dialogues/<uuid:pk>/submit/", dialogues.Submit.as_view()),
    path("dialogues/<uuid:pk>/undo/", dialogues.UndoSubmission.as_view()),
    path("dialogues/<uuid:pk>/stop/", dialogues.Stop.as_view()),
    path("dialogues/<uuid:pk>/retry/", dialogues.Retry.as_view()),
    path("turns/<uuid:pk>/", turns.OneTurn.as_view()),
    path("turns/<uuid:pk>/feedback/", turns.Feedback.as_view()),
]
