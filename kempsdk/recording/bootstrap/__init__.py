"""What Python finds first in a script that is run by ``kemp record``."""
