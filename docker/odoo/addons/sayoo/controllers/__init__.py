from . import database
from . import login
from . import ready
