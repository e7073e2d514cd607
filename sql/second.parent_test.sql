select capitals > 1 as more_than_one
from second.parent;
