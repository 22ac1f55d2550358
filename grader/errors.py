"""What goes wrong in a course and can be mended."""


class CourseError(Exception):
    """Something the instructor can mend; the message says how."""
