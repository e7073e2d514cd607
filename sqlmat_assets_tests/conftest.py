"""What holds for all tests."""

import signal

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts its background jobs with SIGINT ignored, and everything that they start inherits it; tests of
    # Ctrl-C would then wait for ever. A handler is not inherited: what is started from here has SIGINT at its default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
