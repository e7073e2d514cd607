# Reads the CSV file argv[1] and writes the CSV file argv[2].
