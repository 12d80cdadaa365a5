//! The embedded platform: the kube-helm API over chart, image and container rooms.
