"""The env files of a project that is not the folder lkctl runs in, judged as if it were."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from lkctl.checks.agreement import judge_agreement
from lkctl.checks.exposure import judge_exposure
from lkctl.checks.naming import judge_names, judge_public
from lkctl.checks.result import Finding, NotApplicable, Problem, Severity
from lkctl.checks.source.project import Project, project_of
from lkctl.checks.spelling import judge_spelling
from lkctl.checks.verdict import settle
from lkctl.checks.world import Memory, World
from lkctl.files.envfile import default_env_files
from lkctl.files.folder import look_around
from lkctl.settings.layers import Settings

_JUDGES = (judge_spelling, judge_names, judge_public, judge_agreement, judge_exposure)


def judge_env_files(world: World) -> str:
    """Judge the project's env files as env.* judges those of this folder: spelling, names, agreement, exposure."""
    project = project_of(world)
    if world.folder.resolve() == project.folder.resolve() and not world.project:
        raise NotApplicable("it is the folder that env.* judges")
    there = _as_if_there(project, world)
    names = [file.name for file in there.all_env_files()]
    if not names:
        raise NotApplicable("there is no env file")
    findings = [finding for judge in _JUDGES for finding in _found(judge, there, project)]
    return settle(findings, f"{', '.join(names)}: spelled cleanly, in agreement, and in no other hands")


def _as_if_there(project: Project, world: World) -> World:
    """Give the world as it would be in the project's folder, with an empty environment."""
    files = tuple(default_env_files(project.folder))
    return replace(
        world,
        settings=Settings(tuple(file.layer() for file in files)),
        environ={},
        folder=project.folder,
        project="",
        env_files=files,
        surroundings=look_around(project.folder, files),
        memory=Memory(),
    )


def _found(judge: Callable[[World], str], there: World, project: Project) -> Iterator[Finding]:
    try:
        judge(there)
    except Problem as problem:
        for finding in problem.findings:
            place = finding.place and project.place(finding.place)
            yield replace(finding, place=place, severity=_softened(finding.severity), explains=())
    except NotApplicable:
        return


def _softened(severity: Severity | None) -> Severity:
    return Severity.warn if severity in {None, Severity.fail} else Severity(severity)
