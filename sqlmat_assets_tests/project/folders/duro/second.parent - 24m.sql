select city from second.child
