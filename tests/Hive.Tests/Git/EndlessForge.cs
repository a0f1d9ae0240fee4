using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Git;

/// <summary>A git server on loopback that advertises branches until its client leaves, far beyond every
/// limit.</summary>
internal sealed class EndlessForge : IAsyncDisposable
{
    private const long Most = 2L << 30;

    private readonly WebApplication app;
    private long advertised;

    private EndlessForge(WebApplication app) => this.app = app;

    public string Url
    {
        get
        {
            var server = app.Services.GetRequiredService<IServer>();
            return $"{server.Features.Get<IServerAddressesFeature>()!.Addresses.First()}/hostile.git";
        }
    }

    public long Advertised => Interlocked.Read(ref advertised);

    public static async Task<EndlessForge> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var forge = new EndlessForge(builder.Build());
        forge.app.Run(forge.Advertise);
        await forge.app.StartAsync();
        return forge;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private async Task Advertise(HttpContext http)
    {
        http.Response.ContentType = "application/x-git-upload-pack-advertisement";
        await Write(
            http,
            Line("# service=git-upload-pack\n")
                + "0000"
                + Line($"{new string('1', 40)} HEAD\0 side-band-64k ofs-delta\n")
        );
        while (Advertised < Most)
        {
            var first = Advertised;
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

    private async Task Write(HttpContext http, string text)
    {
        await http.Response.WriteAsync(text, http.RequestAborted);
        Interlocked.Add(ref advertised, text.Length);
    }

    // gitprotocol-common(5): each line begins with its length.
    private static string Line(string text) => $"{Encoding.ASCII.GetByteCount(text) + 4:x4}{text}";
}
