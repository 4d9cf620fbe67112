"""Who comes when: submissions in order, and jobs that wait for others to end."""

from __future__ import annotations

from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.state import (
    BEFORE,
    CANCELLED,
    DOOMED,
    ENDED_OK,
    EVERY,
    JOB_BITS,
    LATER,
    NEVER,
    NEXT,
    NOW,
    PENDING,
    SEQ,
    TIMED_OUT,
    TOLD,
    UNRUNNABLE,
    State,
)

AFTERANY, AFTEROK, AFTERNOTOK = range(3)


@inline
def next_submission(state: State) -> int:
    """The instant of the next submission, NEVER if nobody comes any more."""
    s = state.scalars
    if s[NEXT] < len(state.jobs):
        return int(state.jobs[s[NEXT]]["submit"])
    return NEVER


@inline
def next_later(state: State) -> int:
    """The instant of the next arrival by dependency."""
    if state.scalars[LATER] > 0:
        return int(state.later[0] >> JOB_BITS)
    return NEVER


@inline
def is_over(state: State, ahead: int) -> bool:
    """Nobody comes or ends any more, and the last clock tick started nothing: no other one will."""
    return ahead >= NEVER and state.scalars[SEQ] == state.scalars[BEFORE]


@inline
def begin_instant(state: State, now: int) -> None:
    """The clock moves on; from now on a start is noticed, unless clock ticks count and this is none."""
    s = state.scalars
    s[NOW] = now
    s[BEFORE] = s[SEQ] if s[EVERY] == 0 or now % s[EVERY] == 0 else -1


@inline
def next_submitted(state: State, now: int) -> int:
    """The next job submitted by `now`; -1 when there is none."""
    s = state.scalars
    job = s[NEXT]
    if job < len(state.jobs) and state.jobs[job]["submit"] <= now:
        s[NEXT] = job + 1
        return int(job)
    return -1


@helper
def refuse(state: State, now: int) -> None:
    """Refuse the jobs submitted by now that cannot run, or whose dependency has failed, before anybody arrives."""
    s = state.scalars
    while s[TOLD] < len(state.jobs) and state.jobs[s[TOLD]]["submit"] <= now:
        job = s[TOLD]
        s[TOLD] += 1
        if state.marks[job]["state"] == DOOMED:
            state.marks[job]["state"] = CANCELLED
            settle(state, job, now)
        elif state.marks[job]["state"] == UNRUNNABLE:
            settle(state, job, now)


@helper
def next_arrived(state: State, now: int) -> int:
    """Rich builds: the next job that arrives by `now`, in the order of (submit, row); -1: none.

    Merges submissions with the jobs whose dependencies have ended. Who cannot run is refused before that.
    """
    s = state.scalars
    refuse(state, now)
    while next_submission(state) <= now:  # over those who come another way, or not at all
        job = s[NEXT]
        mark = state.marks[job]
        if mark["state"] == PENDING and mark["start"] < 0 and not state.rules[job]["depends"]:
            break
        s[NEXT] += 1
    submitted = s[NEXT] if next_submission(state) <= now else -1
    if next_later(state) <= now:
        freed = state.later[0] & ((1 << JOB_BITS) - 1)
        if submitted < 0 or freed < submitted:
            pop(state.later, s[LATER])
            s[LATER] -= 1
            return int(freed)
    if submitted >= 0:
        s[NEXT] += 1
    return int(submitted)


@helper
def end_job(state: State, job: int, now: int) -> None:
    """Rich builds: a job that ran has ended: mark it, and tell the jobs that depend on it."""
    state.marks[job]["state"] = TIMED_OUT if state.jobs[job]["killed"] else ENDED_OK
    settle(state, job, now)


@helper
def settle(state: State, job: int, now: int) -> None:
    """A job has ended, or never will run: tell the jobs that depend on it, and those on them."""
    children = state.children
    marks = state.marks
    stack = state.scratch  # scratch
    stack[0] = job
    depth = 1
    while depth > 0:
        depth -= 1
        parent = stack[depth]
        fine = marks[parent]["state"] == ENDED_OK
        for c in range(children.at[parent], children.at[parent + 1]):
            child = int(children.job[c])
            if marks[child]["state"] != PENDING:
                continue
            kind = children.kind[c]
            if (kind == AFTEROK and not fine) or (kind == AFTERNOTOK and fine):
                if state.jobs[child]["submit"] > now:
                    marks[child]["state"] = DOOMED
                    continue
                marks[child]["state"] = CANCELLED
                stack[depth] = child
                depth += 1
                continue
            state.opening[child]["missing"] -= 1
            if state.opening[child]["missing"] == 0:
                come_later(
                    state,
                    child,
                    max(int(state.jobs[child]["submit"]), now + int(state.rules[child]["think"])),
                )


@helper
def come_later(state: State, job: int, when: int) -> None:
    """The job's dependencies have ended: it arrives at `when`."""
    s = state.scalars
    state.opening[job]["eligible"] = when
    push(state.later, s[LATER], (when << JOB_BITS) | job)
    s[LATER] += 1
