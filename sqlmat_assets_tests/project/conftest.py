# Scripts of processed tables are no modules: importing one would run it.
collect_ignore = ["folders"]
