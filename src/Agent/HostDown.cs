using System.Net.Sockets;
using System.Text.Json;

namespace Hive.Agent;

/// <summary>Which exceptions of a call mean that the connection, and not the request, went wrong.</summary>
internal static class HostDown
{
    public static bool Is(Exception e) =>
        e is SocketException or IOException or ObjectDisposedException or JsonException;

    /// <summary>What a person reads: the kernel's word for a socket that is missing says nothing about Hive.</summary>
    public static string Reason(Exception e) =>
        e is SocketException socket
            ? socket.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "nobody listens there",
                SocketError.AddressNotAvailable => "there is no such socket",
                SocketError.AccessDenied => "this user may not open it",
                _ => socket.Message,
            }
            : e.Message;
}
