"""The two numbers that a process which fuzzes shares with the one that started it."""

import struct

COUNTS = struct.Struct("<2Q")  # executions, and those whose input was accepted
