using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Hive.Features.Dashboard;

/// <summary>Where the dashboard can be reached, as the server says once it listens.</summary>
internal sealed class DashboardUrls(IServer server)
{
    public IReadOnlyList<string> All =>
        [.. server.Features.Get<IServerAddressesFeature>()?.Addresses.Select(a => a.TrimEnd('/')) ?? []];

    /// <summary>
    /// The code stands behind the '#': browsers send that part to nobody. The address is one that this host holds: as
    /// <c>localhost</c> a browser may ask at the other kind of loopback address, where another program can listen.
    /// </summary>
    public string LoginLink(string code) =>
        $"{All[0].Replace("[::]", "[::1]").Replace("0.0.0.0", "127.0.0.1")}/#login={code}";
}
