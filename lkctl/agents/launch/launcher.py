"""A real agent, run for one room, seen there and heard; whatever it took is taken back, however it ends."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from lkctl.agents.launch.childworker import ChildWorker
from lkctl.agents.launch.dismissal import Dismissal
from lkctl.agents.launch.order import Launched, Order, longest_wait
from lkctl.agents.launch.phases import Phases, Stage
from lkctl.agents.launch.program import Program, agents_environment, bundled, interpreter, scripted, withheld
from lkctl.agents.launch.scratch import Sightings, nobody, scratch_request, visited
from lkctl.agents.trace.reading import judge_reads
from lkctl.agents.trace.tracing import Trace
from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.server.api import Api, room_missing
from lkctl.server.rtc import insist_available
from lkctl.userid import ENV_NAME
from lkctl.userid.readiness import STANDARD_PATIENCE, Patience

_PREFLIGHT = 5.0  # seconds
_GLANCE = 0.25  # seconds between two looks at an agent that is watched


def begin(api: Api, order: Order) -> Launched:
    """Look whether it can be launched, before anything is started; raise `room-missing` and what a refusal is."""
    if order.canaries is not None:
        insist_available("--canary")
    room = api.bounded(min(_PREFLIGHT, order.seconds), quiet=False).find_room(order.room)
    if room is None and not order.create and order.canaries is None:
        raise room_missing(order.room, api.url)
    return Launched(order.room, f"lkctl-{secrets.token_hex(4)}", order.script, room_created=room is None)


def launch(api: Api, order: Order, story: Launched, stage: Stage) -> Launched:
    """Run the agent and give what was seen. Raises what it failed of, unless a trace tells of it: then see `failure`.

    When this ends, in any way, its worker, agent, dispatch and room are gone; `left` tells of what is not.
    """
    began = time.monotonic()
    dismissal = Dismissal(api, order.room, story.agent_name, stage.talk)
    try:
        with ExitStack() as stack:
            trace = stack.enter_context(Trace(names=(ENV_NAME, *order.env))) if order.script and order.trace else None
            play = _Play(api, order, story, stage, dismissal, trace)
            program = stack.enter_context(play.program())
            stack.enter_context(dismissal)
            play.run(program)
    except LkctlError as error:
        if not story.reads:
            raise
        story.failure = error
    story.timing["total_s"] = round(time.monotonic() - began, 3)
    story.cleanup, story.left = tuple(dismissal.steps), dismissal.left
    story.worker["exit_status"] = dismissal.worker.status if dismissal.worker is not None else None
    return story


class _Play:
    """What happens between the start of the worker and its end."""

    def __init__(  # noqa: PLR0917  (the parts of one thing)
        self, api: Api, order: Order, story: Launched, stage: Stage, dismissal: Dismissal, trace: Trace | None
    ) -> None:
        self._api, self._order, self._story = api, order, story
        self._stage, self._dismissal, self._trace = stage, dismissal, trace
        self._phases = Phases(api, order, story, dismissal, stage)
        self._sightings = Sightings(order.canaries) if order.canaries is not None else None
        self._patience = _fitting(order, story)
        story.waited_s = self._patience.limit if self._patience.fixed is None else self._patience.fixed

    @contextmanager
    def program(self) -> Iterator[Program]:
        """Give what is to be run."""
        order = self._order
        env = agents_environment(self._api.target, self._story.agent_name, order.env)
        python = interpreter(order.python)
        if order.script is None:
            with bundled(python, env, order.rules, self._patience) as program:
                yield program
        else:
            trace = self._trace
            given, folders = (env, ()) if trace is None else (trace.environment(env), (trace.folder,))
            yield scripted(python, order.script, given, folders)

    def run(self, program: Program) -> None:
        """Play all phases; note what was found also where one fails."""
        self._announce()
        listen = self._sightings.hear if self._sightings is not None else None
        worker = self._dismissal.worker = ChildWorker(program, listen)
        try:
            with self._visitor(), self._judged():
                self._phases.await_registered(worker)
                self._phases.call_agent()
                agent = self._phases.await_agent(worker)
                if self._order.script is None:
                    self._phases.await_result(worker, self._patience)
                    self._see(self._phases.lookout.look()[1])
                else:
                    self._watch(worker, agent)
        finally:
            self._note(worker)

    def _announce(self) -> None:
        what = "starting the bundled agent"
        if self._order.script is not None:
            what = f"runs your agent for real, with all that it does: {self._order.script}"
        self._stage.talk(f"{what}, as {self._story.agent_name}")
        if withheld(self._order.env):
            self._stage.talk(f"{ENV_NAME} of this shell is not handed on; to give the agent one: --user-id ID")

    @contextmanager
    def _visitor(self) -> Iterator[None]:
        """With canaries: make the scratch room, and have a visitor in it before the agent comes."""
        canaries = self._order.canaries
        if canaries is None:
            yield
            return
        request = scratch_request(canaries, self._story.agent_name)
        self._phases.make_room(request, nobody(self._story.agent_name))
        with visited(self._api, canaries, self._phases.left) as visitor:
            self._stage.talk(f"scratch room {request.name} with visitor {visitor}")
            yield

    def _watch(self, worker: ChildWorker, agent: Participant) -> None:
        """Watch a script for its window, which begins with the first user."""
        self._see(agent)
        if not self._phases.await_user(worker, self._patience):
            self._stage.talk(f"no user came to the room within {self._story.waited_s:g} s")
        end = time.monotonic() + min(self._order.window, self._phases.left)
        with self._stage.progress(f"watching the agent for {self._order.window:g} s"):
            while (left := end - time.monotonic()) > 0:
                worker.until(lambda: False, min(_GLANCE, left))
                self._see(self._phases.insist_agent(worker)[1])
        self._phases.note("result_s")

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Judge what a script reads, while all are still in the room; also where the agent fails of it."""
        try:
            yield
        except LkctlError as error:
            explained = self._phases.lookout.explained(error)
            if explained is error:  # of a room that is gone, the API would tell another story than the reads
                self._judge()
            raise explained from None
        self._judge(even_nothing=True)

    def _judge(self, *, even_nothing: bool = False) -> None:
        trace = self._trace
        reads = () if trace is None else trace.reads()
        if trace is not None and (reads or (even_nothing and not trace.unavailable)):
            with suppress(LkctlError):  # a server that is gone has been told of already
                self._story.flaws = judge_reads(reads, self._phases.snapshot(), trace.scripts(), self._order.policy)

    def _see(self, agent: Participant | None) -> None:
        if self._sightings is not None and agent is not None:
            self._sightings.see(agent)

    def _note(self, worker: ChildWorker) -> None:
        """Note what trace, canaries and log tell."""
        story, log = self._story, worker.log
        story.log = tuple(log.logged)
        story.worker = {"command": worker.command, "pid": worker.pid, "livekit_agents": log.version or None}
        if self._trace is not None:
            story.reads, story.trace_unavailable = self._trace.reads(), self._trace.unavailable
        if self._sightings is not None:
            read = None if self._trace is None else {one.place for one in story.reads}
            story.canaries = self._sightings.found(read)


def _fitting(order: Order, story: Launched) -> Patience:
    """Give the patience that fits the room: that of a real agent; but nobody can be in a room that is made just now."""
    if order.wait is not None:
        return order.wait
    if story.room_created and order.canaries is None:
        return Patience(fixed=0)
    return Patience(limit=min(STANDARD_PATIENCE.limit, longest_wait(order.seconds)))
