"""Clients of a running TF Serving: `connect("localhost:8501", "bilstm")`.

REST only needs urllib3. Importing this package loads no TensorFlow.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from zoo.client.base import Client, DeadlineError, ServerError

__all__ = ["Client", "DeadlineError", "ServerError", "connect"]

_SCHEMES = ("http", "https", "grpc")


def connect(server: str, model: str = "model", **options) -> Client:
    """A client for a model of a server.

    Args:
        server: `"host:port"` or `"http://host:port"` of the REST API, also `https`, or
            `"grpc://host:port"` of the gRPC API, which needs the extra `serving`.
        model: name of the model; the default is that of the image tensorflow/serving.
        options: options of `zoo.client.base.Client`.

    Returns:
        A `Client`; no request is sent yet.

    Raises:
        ValueError: for another scheme, or no host.
        ImportError: if gRPC is requested but not installed.

    Example:
        >>> connect("localhost:8501", "bilstm", label="stable")
        RestClient('http://localhost:8501', model='bilstm', label='stable')
    """
    url = urlsplit(server if "://" in server else f"http://{server}")
    try:
        known = url.scheme in _SCHEMES and url.hostname and (url.port or True)
    except ValueError:  # a port that is not a number
        known = False
    if not known:
        raise ValueError(
            "`server` must read HOST:PORT, or a URL that begins with http://, https:// "
            f"or grpc://. Received: {server!r}."
        )
    if url.scheme == "grpc":
        from zoo.client.grpc_client import GrpcClient

        return GrpcClient(url.netloc, model, **options)
    from zoo.client.rest import RestClient

    return RestClient(f"{url.scheme}://{url.netloc}{url.path}", model, **options)
