using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Git;

/// <summary>A git server on loopback that advertises branches, or sends a pack, until its client leaves, far beyond
/// every limit.</summary>
internal sealed class EndlessForge : IAsyncDisposable
{
    private const long Most = 2L << 30;
    private const int PackAtOnce = 60_000;

    private readonly WebApplication app;
    private readonly bool sendsPack;
    private long sent;

    private EndlessForge(WebApplication app, bool sendsPack) => (this.app, this.sendsPack) = (app, sendsPack);

    public string Url
    {
        get
        {
            var server = app.Services.GetRequiredService<IServer>();
            return $"{server.Features.Get<IServerAddressesFeature>()!.Addresses.First()}/hostile.git";
        }
    }

    public long Sent => Interlocked.Read(ref sent);

    /// <param name="sendsPack">It advertises one branch, and sends its pack without end.</param>
    public static async Task<EndlessForge> Start(bool sendsPack = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var forge = new EndlessForge(builder.Build(), sendsPack);
        forge.app.Run(forge.Answer);
        await forge.app.StartAsync();
        return forge;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private Task Answer(HttpContext http) =>
        http.Request.Method == HttpMethods.Post
            ? SendPack(http)
            : Advertise(http, http.Request.Query["service"].ToString());

    private async Task Advertise(HttpContext http, string service)
    {
        http.Response.ContentType = $"application/x-{service}-advertisement";
        var branch = $"{new string('1', 40)} refs/heads/main\0 side-band-64k ofs-delta report-status delete-refs\n";
        await Write(http, Line($"# service={service}\n") + "0000" + Line(branch));
        if (sendsPack)
        {
            await Write(http, "0000");
            return;
        }

        while (Sent < Most)
        {
            var first = Sent;
            await Write(
                http,
                string.Concat(
                    Enumerable
                        .Range(0, 500)
                        .Select(i => Line($"{new string('1', 40)} refs/heads/{new string('b', 200)}-{first}-{i}\n"))
                )
            );
        }
    }

    // gitformat-pack(5): a blob of 2^60 bytes, compressed in stored blocks (RFC 1951) of zeros.
    private async Task SendPack(HttpContext http)
    {
        http.Response.ContentType = "application/x-git-upload-pack-result";
        await Write(http, Line("NAK\n"));
        await Send(
            http,
            [.. "PACK"u8, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0xb0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0x78, 1]
        );
        var block = (byte[])[0, PackAtOnce & 0xff, PackAtOnce >> 8, ~PackAtOnce & 0xff, (~PackAtOnce >> 8) & 0xff];
        while (Sent < Most)
            await Send(http, [.. block, .. new byte[PackAtOnce]]);
    }

    // The first side band carries the pack.
    private Task Send(HttpContext http, byte[] bytes) =>
        Write(http, Encoding.Latin1.GetString([.. Encoding.ASCII.GetBytes($"{bytes.Length + 5:x4}"), 1, .. bytes]));

    private async Task Write(HttpContext http, string text)
    {
        await http.Response.WriteAsync(text, Encoding.Latin1, http.RequestAborted);
        Interlocked.Add(ref sent, text.Length);
    }

    // gitprotocol-common(5): each line begins with its length.
    private static string Line(string text) => $"{Encoding.ASCII.GetByteCount(text) + 4:x4}{text}";
}
