"""One job's talk with a model server: asked, refused and asked otherwise, streamed, checked. On the engine's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import httpx
from httpx_sse import EventSource, SSEError

from common.shapes import JsonObject
from sampler.dialects.base import OFF, Meaning, Understood
from sampler.engines import _chunks, _request
from sampler.engines._patience import RETRIED, Patience
from sampler.engines._raw import open_user_turn
from sampler.engines._reply import Reply, Unfinished
from sampler.engines._server import Server
from sampler.engines._server_prompt import Room, ServerPrompt, render
from sampler.engines.base import Delta, Event, Job, Started
from sampler.refusals import understand, words_of

ATTEMPTS = 12  # forms of a request that are tried
CUTS = 6  # times that a prompt which proves too long is cut further


class Refused(Exception):
    """The server says no, and would again. The words are the server's own: for operators."""


class Again(Exception):
    """The server refuses this form of the request; another may do."""


class TooLong(Exception):
    """The prompt does not fit into the server's context."""

    def __init__(self, refusal: Understood) -> None:
        super().__init__(refusal.said)
        self.refusal = refusal


class Exchange:
    def __init__(self, job: Job, server: Server, emit: Callable[[Event], None]) -> None:
        self.job, self.server, self.emit = job, server, emit
        self.reply = Reply()
        self.params: dict[str, object] = {**OFF, **job.params.to_dict()}
        self.arguments = dict(server.spec.template_arguments)
        if job.params.thinking is not None:
            self.arguments["enable_thinking"] = job.params.thinking

    async def run(self) -> None:
        """All samples, in as few requests as the server allows.

        Raises:
            Refused: for good.
            TimeoutError: the server was away or busy for too long.
        """
        await self.server.meet()
        room, cuts = Room(self.server.spec.context_limit), 0
        for _ in range(ATTEMPTS):
            prompt = await self._prompt(room)
            self.emit(Started(self.job.id, prompt.report))
            try:
                await self._samples(prompt)
                return
            except Again:
                pass
            except TooLong as refusal:
                cuts += 1
                if cuts > CUTS:
                    raise Refused(f"The prompt does not fit, however it is cut: {refusal}") from None
                room = room.after(refusal.refusal, prompt.report)
            self.reply.forget(self.reply.missing(self.job.params.n))
        raise Refused("No form of the request was taken.")

    async def _prompt(self, room: Room) -> ServerPrompt:
        server = self.server
        prompt = render(self.job, server.spec, server.learned, room)
        if self.job.writes != "user":
            return prompt
        if not server.learned.no_raw:
            turn = await open_user_turn(
                server.client, base=server.base, model=server.model, dialect=server.table, messages=prompt.messages,
                template_arguments=self.arguments,
            )  # fmt: skip
            if turn is not None:
                return prompt.opened(turn)
            server.learned.no_raw = True
        return prompt.swapped()

    async def _samples(self, prompt: ServerPrompt) -> None:
        """What is missing of the samples: together where the server draws several, else side by side."""
        server, n = self.server, self.job.params.n
        for _ in range(2):
            missing = self.reply.missing(n)
            if not missing:
                return
            if len(missing) < n:
                server.learned.one_by_one = True  # it was asked for n and gave fewer
            await _side_by_side(
                [self._patiently(prompt, group) for group in _request.groups(server.table, server.learned, missing)]
            )
        if missing := self.reply.missing(n):
            raise await self._why_silent(prompt, missing[:1])

    async def _why_silent(self, prompt: ServerPrompt, indices: Sequence[int]) -> Exception:
        """Asked without a stream, a server tells why it sent none: llama-cpp-python ends one that is refused, empty."""
        url, asked = self._asked(prompt, indices)
        try:
            answer = await self.server.client.post(url, json={**asked, "stream": False})
        except httpx.TransportError:  # it may have closed the connection of the stream that it broke off
            answer = await self.server.client.post(url, json={**asked, "stream": False})
        if answer.status_code != 200:
            return self._refusal(answer.status_code, answer.text, asked, answer)
        return Refused("ends its streams without the samples that it was asked for")

    async def _patiently(self, prompt: ServerPrompt, indices: Sequence[int]) -> None:
        """One HTTP request, tried again while the server is away or busy and nothing of it was shown yet."""
        patience = Patience(self.server.base, self.server.outage)
        while True:
            try:
                await self._stream(prompt, indices)
                self.server.trouble = ""
                return
            except RETRIED as error:
                pause = patience.pause(error, shown=self.reply.shown(indices))
                self.server.trouble = patience.trouble
                self.reply.forget(indices)
            await asyncio.sleep(pause)

    async def _stream(self, prompt: ServerPrompt, indices: Sequence[int]) -> None:
        server = self.server
        seeds = _request.seeds_for(server.table, self.job.params.seed, indices)
        url, asked = self._asked(prompt, indices)
        async with server.client.stream("POST", url, json=asked) as answer:
            if answer.status_code != 200:
                said = (await answer.aread()).decode(errors="replace")
                raise self._refusal(answer.status_code, said, asked, answer)
            try:
                done = False
                async for event in EventSource(answer).aiter_sse():  # to its end, so that the connection is kept
                    done = done or event.data == "[DONE]"
                    if event.data and not done:
                        self._take(event.data, prompt, asked, indices, seeds, answer)
            except SSEError:
                raise await self._no_stream(answer, asked) from None
        self.reply.check(indices)

    def _asked(self, prompt: ServerPrompt, indices: Sequence[int]) -> tuple[str, JsonObject]:
        """Where these samples are asked for, and how."""
        server, job = self.server, self.job
        asked = _request.body(
            dialect=server.table, learned=server.learned, model=server.model,
            prompt=prompt.raw.text if prompt.raw else prompt.messages, params=self.params,
            max_tokens=prompt.report["max_tokens"] + job.params.max_reasoning_tokens,
            reasoning=job.params.max_reasoning_tokens, indices=indices,
            stop=(*job.params.stop, *prompt.stops), template_arguments=self.arguments, extra=server.spec.extra_body,
        )  # fmt: skip
        return f"{server.base}/{'completions' if prompt.raw else 'chat/completions'}", asked

    def _take(
        self, data: str, prompt: ServerPrompt, asked: JsonObject, indices: Sequence[int],
        seeds: dict[int, int | None], answer: httpx.Response,
    ) -> None:  # fmt: skip
        """One event of the stream."""
        try:
            chunk = _chunks.read(data, self.server.table.reasoning)
        except ValueError:
            raise Unfinished(f"The stream holds what is not JSON: {data[:200]}") from None
        if chunk.error:
            raise self._refusal(_status_in(chunk.error), chunk.error, asked, answer)
        known = self.reply.prompt_ids is not None
        for index, text in self.reply.take(chunk, indices, seeds):
            self.emit(Delta(self.job.id, index, text))
        if self.reply.prompt_ids is not None and not known:
            self.emit(Started(self.job.id, prompt.with_ids(self.reply.prompt_ids)))

    async def _no_stream(self, answer: httpx.Response, asked: JsonObject) -> Exception:
        """200, and something else than a stream."""
        said = (await answer.aread()).decode(errors="replace")
        if said.lstrip().startswith('{"error"'):
            return self._refusal(_status_in(said), said, asked, answer)
        kind = answer.headers.get("content-type", "no content type")
        return Refused(f"answers 200 with {kind} instead of a stream: {said[:300]}")

    def _refusal(self, status: int, said: str, asked: JsonObject, answer: httpx.Response) -> Exception:
        """What an answer other than a stream of text means."""
        server = self.server
        refusal = understand(server.table, status, said)
        if refusal.meaning == Meaning.TOO_LONG:
            return TooLong(refusal)
        if server.learned.from_refusal(refusal, asked, {*server.table.options, server.table.reasoning_limit}):
            return Again(refusal.said)
        if status >= 500 or status == 429:
            if answer.status_code == 200:
                return Unfinished(f"The stream broke off with an error: {refusal.said}")
            return httpx.HTTPStatusError(refusal.said, request=answer.request, response=answer)
        if refusal.meaning == Meaning.PARAMETER and refusal.name in {s.key for s in server.table.spellings.values()}:
            return Refused(f"refuses {refusal.name}, which shapes what is drawn (HTTP {status}): {refusal.said}")
        return Refused(f"answers with HTTP {status}: {refusal.said}")


def _status_in(said: str) -> int:
    """The HTTP status that an error object names; 500 where it names none."""
    codes = words_of(said)[1]
    return next((int(code) for code in sorted(codes) if code.isdecimal() and 400 <= int(code) < 600), 500)


async def _side_by_side(talks: Sequence[Coroutine[object, object, None]]) -> None:
    """All of them; where one fails, the others are ended before its error goes on."""
    tasks = [asyncio.ensure_future(talk) for talk in talks]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
