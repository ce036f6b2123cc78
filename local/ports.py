"""Ports of this machine."""

import socket


def check_port(port: int) -> None:
    """Refuse a port that is taken, before minutes of work.

    Raises:
        OSError: it is; says so.
    """
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as cause:
            reason = cause.strerror if isinstance(cause, OSError) else "expected 1 to 65535"
            raise OSError(
                f"port {port} cannot be used ({reason}): choose another with PORT="
            ) from cause


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex((host, port)) == 0
