"""Registers the toy family in a process whose `ZOO_PLUGINS` names this module."""

from toy_family import FAMILY

from zoo.families import register_family

register_family(FAMILY)
