"""Addresses of the trainers' pages and of the pages about people."""

from django.urls import URLPattern, path

from labeling.views import chats, dialogues, home, mending, people, ranking, ranking_script, records, streams

urlpatterns: list[URLPattern] = [
    path("invitations/<str:token>/", people.invitation, name="invitation"),
    path("", home.home, name="home"),
    path("history/", records.history, name="history"),
    path("session/", records.session, name="session"),
    path("theme/", records.theme, name="theme"),
    path("projects/<slug:slug>/guidelines/", records.guidelines, name="guidelines"),
    path("projects/<slug:slug>/rank/", ranking.next_task, name="next"),
    path("projects/<slug:slug>/nothing/", ranking.nothing, name="nothing"),
    path("projects/<slug:slug>/start/<slug:kind>/", dialogues.start, name="start"),
    path("projects/<slug:slug>/practice/", mending.practice, name="practice"),
    path("projects/<slug:slug>/practice/next/", mending.practise, name="practise"),
    path("returned/<uuid:pk>/", mending.returned_ranking, name="returned-ranking"),
    path("dialogues/<uuid:pk>/mend/", mending.mend_dialogue, name="mend-dialogue"),
    path("ranking/<uuid:pk>/", ranking.ranking, name="ranking"),
    path("ranking/<uuid:pk>/draft/", ranking_script.draft, name="ranking-draft"),
    path("ranking/<uuid:pk>/heartbeat/", ranking_script.heartbeat, name="ranking-heartbeat"),
    path("ranking/<uuid:pk>/skip/", ranking.skip, name="ranking-skip"),
    path("ranking/<uuid:pk>/undo/", ranking.undo, name="ranking-undo"),
    path("ranking/<uuid:pk>/compare/", ranking.compare, name="ranking-compare"),
    path("dialogues/<uuid:pk>/", dialogues.dialogue, name="dialogue"),
    path("dialogues/<uuid:pk>/composer/", dialogues.composer, name="composer"),
    path("dialogues/<uuid:pk>/turns/", dialogues.add_turn, name="add-turn"),
    path("dialogues/<uuid:pk>/turns/<uuid:turn_pk>/edit/", dialogues.edit_turn, name="edit-turn"),
    path("dialogues/<uuid:pk>/turns/<uuid:turn_pk>/delete/", dialogues.delete_turn, name="delete-turn"),
    path("dialogues/<uuid:pk>/turns/<uuid:turn_pk>/feedback/", chats.feedback, name="feedback"),
    path("dialogues/<uuid:pk>/submit/", dialogues.submit, name="submit-dialogue"),
    path("dialogues/<uuid:pk>/undo/", dialogues.undo, name="undo-dialogue"),
    path("dialogues/<uuid:pk>/exchange/", dialogues.exchange, name="exchange-prompt"),
    path("dialogues/<uuid:pk>/discard/", dialogues.discard, name="discard-dialogue"),
    path("dialogues/<uuid:pk>/send/", chats.send, name="send"),
    path("dialogues/<uuid:pk>/stop/", chats.stop, name="stop"),
    path("dialogues/<uuid:pk>/retry/", chats.retry, name="retry"),
    path("dialogues/<uuid:pk>/reply/", chats.reply, name="reply"),
    path("dialogues/<uuid:pk>/suggest/", chats.suggest, name="suggest"),
    path("dialogues/<uuid:pk>/suggestions/", chats.suggestions, name="suggestions"),
    path("dialogues/<uuid:pk>/stream/", streams.stream, name="stream"),
]
