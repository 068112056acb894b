"""Importable home of the top-level `loaders/` folder: `graphcorr.loaders.entra_audit_logs` in every install."""

from graphcorr.content import content_dir

__path__ = [str(content_dir("loaders"))]
