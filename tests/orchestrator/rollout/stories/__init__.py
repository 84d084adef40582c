"""The twenty stories of rollouts that went wrong, each told once, in simulation.

Time is virtual where it is long. Many a story is told at length elsewhere, on real kernels or
with real processes; here is the short form, so that each has a name that can be looked up.
"""
