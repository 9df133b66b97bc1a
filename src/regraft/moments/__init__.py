"""
What stored values say about the layers around them, with no data: means and spreads of every channel.

A trained BatchNorm stores the mean and the variance of what reached it, so the values of a file test the wiring,
the activations and the padding of an architecture. ``activations``, ``linear``, ``pooling`` and ``norms`` carry
moments through single layers, ``propagate`` through whole blueprints; ``channels`` compares kernels where there is no
BatchNorm, ``entry`` asks how inputs were scaled, ``selfcheck`` judges an architecture layer by layer.
"""
