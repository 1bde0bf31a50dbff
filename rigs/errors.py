"""The kinds of error that are a person's to mend."""


class UserError(Exception):
    """Something outside the program is wrong: a file, a name, a value, a full disk.

    The message is one sentence that says what is wrong, where, and what to do. The command line
    prints it without a traceback and exits with code 2.
    """


class DeviceLost(UserError):
    """The connection to a device broke in the middle: a cable pulled, a server gone.

    It may come back: a capture session waits for it, opens the rig again and repeats the take.
    """
