//! Load, resolve, stamp, render and package Helm charts.
