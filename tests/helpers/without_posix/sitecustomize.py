"""Hides what only POSIX systems have, in every Python process that has this folder on its path.

The standard library and psutil keep what they took before, and `os.waitpid`, without which nothing
could wait for a process here; a program that asks for the rest itself fails as on Windows.
"""

import multiprocessing.util  # noqa: F401
import os
import signal
import subprocess

import filelock  # noqa: F401
import psutil

NAMES = (
    "fork", "forkpty", "getppid", "getpgid", "getsid", "getuid", "geteuid", "getgid", "killpg",
    "nice", "sched_getaffinity", "sched_setaffinity", "setpgid", "setsid", "sysconf",
    "WNOHANG", "mkfifo", "getloadavg", "statvfs", "chown",
)  # fmt: skip
SIGNALS = ("SIGKILL", "SIGSTOP", "SIGCONT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTSTP")
OPTIONS = ("preexec_fn", "process_group")

start = subprocess.Popen.__init__
KILL, CONTINUE = signal.SIGKILL, signal.SIGCONT


def start_as_on_windows(self, *arguments, **options):
    given = [name for name in OPTIONS if options.get(name) is not None]
    assert not given, f"{given} cannot be had on Windows"
    start(self, *arguments, **options)


def hide():
    """Hides all of it; what psutil and the library have a way of their own for on Windows stays."""
    subprocess.Popen.__init__ = start_as_on_windows
    subprocess.Popen.kill = lambda self: self.send_signal(KILL)
    psutil.Process.kill = lambda self: self.send_signal(KILL)
    psutil.Process.resume = lambda self: self.send_signal(CONTINUE)
    for name in NAMES:
        if hasattr(os, name):
            delattr(os, name)
    for name in SIGNALS:
        if hasattr(signal, name):
            delattr(signal, name)


if __name__ == "sitecustomize":  # not where a collector of tests imports it
    hide()
