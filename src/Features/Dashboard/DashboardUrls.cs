using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Hive.Features.Dashboard;

/// <summary>The dashboard's addresses, known once the server listens.</summary>
internal sealed class DashboardUrls(IServer server)
{
    public IReadOnlyList<string> All =>
        [.. server.Features.Get<IServerAddressesFeature>()?.Addresses.Select(a => a.TrimEnd('/')) ?? []];

    /// <summary>
    /// A link with a one-time code. The code follows the '#', because browsers do not send that part. The address is a
    /// number: for <c>localhost</c> a browser may try the other loopback address, where another program can listen.
    /// </summary>
    public string LoginLink(string code) =>
        $"{All[0].Replace("[::]", "[::1]").Replace("0.0.0.0", "127.0.0.1")}/#login={code}";
}
