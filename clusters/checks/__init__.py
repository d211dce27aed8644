"""What the doctor looks at. Every machine reports facts by the same function; pure functions judge the reports."""
