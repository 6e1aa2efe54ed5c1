"""This process and its machine: files, threads, worker processes, errors, tables, caches."""
