using System.Net.Sockets;
using System.Text.Json;

namespace Hive.Agent;

/// <summary>Tells failures of the connection from failures of a request.</summary>
internal static class HostDown
{
    public static bool Is(Exception e) =>
        e is SocketException or IOException or ObjectDisposedException or JsonException;

    /// <summary>The reason in words; the kernel's own say little about a missing socket.</summary>
    public static string Reason(Exception e) =>
        e is SocketException socket
            ? socket.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "nobody listens there",
                SocketError.AddressNotAvailable => "the socket does not exist",
                SocketError.AccessDenied => "this user may not open the socket",
                _ => socket.Message,
            }
            : e.Message;
}
