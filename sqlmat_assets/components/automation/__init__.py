"""What runs the project by itself: what has become of each table, and the sensor that requests what is due."""
