"""What a launch sees of its room through the API, and how it tells a hiccup of the server from its silence."""

import time
from contextlib import suppress

from lkctl.agents.launch.dismissal import is_of
from lkctl.errors import ExitCode, LkctlError
from lkctl.models import Participant
from lkctl.scenarios.look import call_limit, may_pass
from lkctl.server.api import Api
from lkctl.server.deadline import Deadline

_CALL = 5.0  # seconds for one call
_SILENCE = 15.0  # seconds without an answer of the server, after which it is no hiccup


class Lookout:
    """Looks at one room until the clock is over; `name` is our agent's, `sid` the room's, once it is known."""

    def __init__(self, api: Api, room: str, name: str, clock: Deadline) -> None:
        self.sid = ""
        self._api, self._room, self._name = api, room, name
        self._clock = clock
        self._answered = time.monotonic()

    @property
    def api(self) -> Api:
        """The API for one call."""
        return self._api.bounded(min(_CALL, call_limit(self._clock.left)))

    def look(self) -> tuple[tuple[Participant, ...] | None, Participant | None]:
        """Give who is in the room, and our agent among them; None and None where the server does not answer now.

        Raises what the API raises where that does not pass, and where the server gives no answer at all for too long.
        """
        try:
            people = tuple(self.api.list_participants(self._room))
        except LkctlError as error:
            if not may_pass(error) or self._clock.over:
                raise
            self._insist_not_silent(error)
            return None, None
        self._answered = time.monotonic()
        return people, next((one for one in people if is_of(one, self._name)), None)

    def explained(self, error: LkctlError) -> LkctlError:
        """Give `room-missing` for what an agent failed of when its room was deleted; any other error as it is."""
        if self.sid and error.code.startswith("agent-"):
            with suppress(LkctlError):
                room = self.api.find_room(self._room)
                if room is None or room.sid != self.sid:
                    told = f"room {self._room!r} was deleted or closed meanwhile; then {error.message}"
                    return LkctlError("room-missing", told, hint="Run it again; who deletes it? Run: lkctl room watch")
        return error

    def _insist_not_silent(self, error: LkctlError) -> None:
        silence = time.monotonic() - self._answered
        if error.exit_code is ExitCode.UNREACHABLE and silence >= _SILENCE:
            told = f"the server has given no answer for {silence:.0f} s: {error.message}"
            raise LkctlError(error.code, told, hint=error.hint) from None
