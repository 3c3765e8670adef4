from . import login
from . import ready
