"""Errors of the service, and what remains of them when they are sent between actors."""

import tractor


class NoWords(ValueError):
    """A text without a single word was given where a count was expected."""


def remote_name(error: tractor.RemoteActorError) -> str:
    """The class name that the error had in the actor that raised it.

    `error.type` is not enough: this tractor maps every class that is neither a
    builtin nor its own to plain `Exception`.
    """
    return error.msgdata["type_str"]
