"""Failures on demand, for people who test their own code against this server. Only there when asked for."""

from sensei.server.faults.rules import Fault, Faults, RandomFaults

__all__ = ["Fault", "Faults", "RandomFaults"]
