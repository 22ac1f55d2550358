"""How fast a class is graded, beside stock nbgrader; `make bench-grading` writes benchmarks/grading.md."""
