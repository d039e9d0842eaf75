"""A livekit-server of a compose file, with its configuration and the services beside it."""

from dataclasses import dataclass

from lkctl.checks.result import Fix
from lkctl.checks.source.project import Project, line_of
from lkctl.checks.source.serverconfig import ServerConfig
from lkctl.checks.source.services import Service


@dataclass(frozen=True, slots=True)
class Deployment:
    """A server of a compose file with its configuration, and the services beside it."""

    project: Project
    service: Service
    config: ServerConfig | None
    beside: tuple[Service, ...]

    def at(self, line: int) -> str:
        """Say file and line."""
        return self.project.place(self.service.file, line)

    def fix(self, line: int, old: str, new: str) -> Fix | None:
        """Give the change of one line, where what is to be changed stands there."""
        whole = line_of(self.project.texts.get(self.service.file, ""), line)
        if whole.count(old) != 1:
            return None
        return Fix(path=self.project.place(self.service.file), line=line, old=whole, new=whole.replace(old, new, 1))
