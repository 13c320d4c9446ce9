"""Tests: the folder says what a test may touch, the name says what must hold."""
