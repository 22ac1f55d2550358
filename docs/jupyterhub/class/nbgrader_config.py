"""nbgrader's configuration for everybody in the class; jupyterhub_config.py says where to find it."""

import os

c = get_config()  # noqa: F821

c.Exchange.root = os.environ["CLASS_EXCHANGE"]
c.CourseDirectory.course_id = "cs231n"
