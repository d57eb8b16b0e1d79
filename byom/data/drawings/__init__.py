"""Pictures of the ten kinds of things that CIFAR-10 shows, drawn from shapes, each another one."""

from byom.data.drawings.picture import CLASSES, draw

__all__ = ["CLASSES", "draw"]
