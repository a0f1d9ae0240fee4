using System.Net;
using System.Net.Sockets;
using Hive.Features.Egress.Contracts;

namespace Hive.Features.Egress;

/// <summary>Connects one agent to the hosts of its list. An address is checked and then connected to, without another
/// look-up in between.</summary>
internal sealed class EgressConnector(string agent, EgressRules rules, Refusals refusals, NameLookups names)
{
    /// <summary>The time for the look-up of a name, and then for the connection to one address.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // A name's addresses that are tried.
    private const int MostAddresses = 4;

    /// <summary>Raised after a connection was refused.</summary>
    public event Action? Refused;

    /// <summary>Checks a host and its port against the list, without looking up its name.</summary>
    /// <param name="host">In its canonical form.</param>
    /// <param name="port">The port.</param>
    /// <exception cref="EgressException">It is not listed.</exception>
    public EgressEntry Check(string host, int port) =>
        rules.Find(host, port)
        ?? throw Refuse(
            host,
            port,
            rules.HasHost(host) ? "the port is not listed in its agent.yaml" : "not listed in its agent.yaml"
        );

    /// <summary>Connects to a host of the list.</summary>
    /// <param name="host">In its canonical form.</param>
    /// <param name="port">The port.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="EgressException">It is not listed, has no allowed address, or cannot be reached.</exception>
    public async Task<Socket> Connect(string host, int port, CancellationToken ct)
    {
        var entry = Check(host, port);
        var addresses = await AddressesOf(host, ct);
        var allowed = entry.MayBePrivate
            ? addresses
            : [.. addresses.Where(address => AddressRules.SpecialKind(address) is null)];
        if (allowed.Length == 0)
            throw addresses.Length == 0
                ? new EgressException(502, $"Hive: the name {host} has no address")
                : Refuse(
                    host,
                    port,
                    $"it has {AddressRules.SpecialKind(addresses[0])}; list it under 'private' to allow that"
                );
        Exception? last = null;
        foreach (var address in allowed.Take(MostAddresses))
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(Patience);
            Socket? socket = null;
            try
            {
                socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(address, port, patience.Token);
                return socket;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket?.Dispose();
                ct.ThrowIfCancellationRequested();
                last = e;
            }
        }

        throw last is SocketException
            ? new EgressException(502, $"Hive: {HostForm.Join(host, port)} cannot be reached: {last.Message}")
            : new EgressException(
                504,
                $"Hive: {HostForm.Join(host, port)} did not answer within {Patience.TotalSeconds} s"
            );
    }

    private async Task<IPAddress[]> AddressesOf(string host, CancellationToken ct)
    {
        if (IPAddress.TryParse(host, out var given))
            return [given];
        if (host == EgressEntry.Machine)
            return [IPAddress.Loopback, IPAddress.IPv6Loopback];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try
        {
            var found = await names.Find(agent, host, patience.Token).WaitAsync(patience.Token);
            return [.. found.Select(AddressRules.Plain)];
        }
        catch (SocketException e)
        {
            throw new EgressException(502, $"Hive: the name {host} cannot be looked up: {e.Message}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new EgressException(504, $"Hive: the look-up of {host} took more than {Patience.TotalSeconds} s");
        }
    }

    private EgressException Refuse(string host, int port, string reason)
    {
        refusals.Add(host, port, reason);
        Refused?.Invoke();
        return new EgressException(403, $"Hive: the connection to {HostForm.Join(host, port)} is refused: {reason}");
    }
}
