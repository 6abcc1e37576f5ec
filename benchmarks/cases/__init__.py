"""The cases, one module for each section of the table. Importing this registers them."""

from cases import delayed, memory, native, order, parallel, tasks, tokens, workloads

__all__ = ["delayed", "memory", "native", "order", "parallel", "tasks", "tokens", "workloads"]
