using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hive.Tests.Fixture;

namespace Hive.Tests.Doors;

/// <summary>Tests the access token over an address of this machine that is not its loopback.</summary>
public sealed class TokenOverNetworkTests
{
    [Fact]
    public async Task The_access_token_is_refused_with_words_over_the_network()
    {
        var address = NetworkInterface
            .GetAllNetworkInterfaces()
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));
        Requires.That(address is not null, "needs an address besides the loopback");
        await using var hive = await HiveFixture.Start("--urls", $"http://{address}:0");
        using var http = new HttpClient { BaseAddress = new Uri(hive.Url) };

        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", hive.Token);
        var asked = await http.GetAsync("/api/state");
        Assert.Equal(HttpStatusCode.Forbidden, asked.StatusCode);
        Assert.Contains("loopback alone", await asked.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        http.DefaultRequestHeaders.Authorization = null;
        var login = await http.PostAsJsonAsync("/api/session", new { code = hive.Token });
        Assert.Equal(HttpStatusCode.Forbidden, login.StatusCode);
        Assert.Contains("loopback alone", await login.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "another");
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/api/state")).StatusCode);
        await hive.Restart();
        var entries = (await (await hive.Operator()).CallAsync("audit", new { kind = "far_token" })).GetProperty(
            "entries"
        );
        var entry = Assert.Single(entries.EnumerateArray());
        Assert.Equal(
            (2, $"{address}"),
            (entry.GetProperty("count").GetInt32(), entry.GetProperty("address").GetString())
        );
    }
}
