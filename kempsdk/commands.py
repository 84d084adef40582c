"""``lm.commands``: every command of the catalogue as a typed method.

What runs is in ``kempsdk.catalogue.invocation``; ``commands.pyi`` beside this file tells
editors and type checkers the names, parameters and words, and is generated from the
catalogue.
"""

from kempsdk.catalogue.invocation import Command, Commands, Send

__all__ = ["Command", "Commands", "Send"]
