//! What an extension on disk is: its charts, images, DAGs and their references.
