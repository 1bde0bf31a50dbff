"""The one kind of error that is a person's to mend."""


class UserError(Exception):
    """Something outside the program is wrong: a file, a name, a value, a full disk.

    The message is one sentence that says what is wrong, where, and what to do. The command line
    prints it without a traceback and exits with code 2.
    """
