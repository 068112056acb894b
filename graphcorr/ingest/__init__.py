"""Files of logs → typed records: readers, detection, the loader protocol, the run."""
