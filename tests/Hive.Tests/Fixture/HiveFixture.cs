using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Host;
using Hive.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Fixture;

/// <summary>A real host in this process with its own folders and port, real SQLite and real sockets. The clock stands
/// still by default.</summary>
public sealed class HiveFixture : IAsyncDisposable
{
    private readonly List<IDisposable> opened = [];
    private readonly string[] extra;
    private readonly bool realClock;
    private readonly bool keep;
    private Action<IServiceCollection>? configure;
    private WebApplication? app;

    private HiveFixture(bool realClock, string[] extra, string? folder = null, bool keep = false)
    {
        (this.realClock, this.extra, this.keep) = (realClock, extra, keep);
        // A short path: a socket's path may have 107 bytes.
        Folder = folder ?? Directory.CreateTempSubdirectory("hive-").FullName;
        RunDir = Path.Combine(Folder, "run");
        Clock = new ManualClock(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    }

    public string Folder { get; }

    public ManualClock Clock { get; }

    public string DataDir => Path.Combine(Folder, "data");

    public string RunDir { get; set; }

    public string HostSocket => Path.Combine(RunDir, "host.sock");

    public string Url { get; private set; } = "";

    public string Token => File.ReadAllText(Path.Combine(DataDir, "access-token")).Trim();

    public IServiceProvider Services => app!.Services;

    /// <summary>Starts a host whose agents are external by default.</summary>
    public static Task<HiveFixture> Start(params string[] args) => Start(realClock: false, args);

    public static async Task<HiveFixture> Start(bool realClock, params string[] args)
    {
        var fixture = new HiveFixture(realClock, args);
        await fixture.StartHost();
        return fixture;
    }

    /// <summary>Starts a host with services of the test's own, such as a module.</summary>
    public static Task<HiveFixture> StartWith(Action<IServiceCollection> configure, params string[] args) =>
        StartWith(configure, realClock: false, args);

    /// <inheritdoc cref="StartWith(Action{IServiceCollection}, string[])"/>
    public static async Task<HiveFixture> StartWith(
        Action<IServiceCollection> configure,
        bool realClock,
        params string[] args
    )
    {
        var fixture = new HiveFixture(realClock, args) { configure = configure };
        await fixture.StartHost();
        return fixture;
    }

    /// <summary>Starts a host in a folder of the test, which is deleted with the fixture unless kept.</summary>
    public static async Task<HiveFixture> StartIn(string folder, bool keep = false, params string[] args)
    {
        var fixture = new HiveFixture(realClock: false, args, folder, keep);
        await fixture.StartHost();
        return fixture;
    }

    public string AgentSocket(string name) => Path.Combine(RunDir, "agents", name, "agent.sock");

    /// <summary>Ends the host and starts it again on the same folders; connections are lost.</summary>
    /// <param name="meanwhile">Runs while no host does.</param>
    public Task Restart(Action? meanwhile = null) =>
        Restart(() =>
        {
            meanwhile?.Invoke();
            return Task.CompletedTask;
        });

    /// <summary>Ends the host and starts it again on the same folders; connections are lost.</summary>
    /// <param name="meanwhile">Runs while this host does not.</param>
    public async Task Restart(Func<Task> meanwhile)
    {
        await StopHost();
        await meanwhile();
        await StartHost();
    }

    /// <summary>A connection to an agent's socket.</summary>
    public async Task<LineClient> Connect(string agent) => Track(await LineClient.ConnectAsync(AgentSocket(agent)));

    /// <summary>A connection to the host socket.</summary>
    public async Task<LineClient> Operator() => Track(await LineClient.ConnectAsync(HostSocket));

    /// <summary>Creates external agents.</summary>
    public async Task Spawn(params string[] names)
    {
        using var host = await LineClient.ConnectAsync(HostSocket);
        foreach (var name in names)
            await host.CallAsync("spawn", new { name, runtime = "external" });
    }

    /// <summary>A client that is signed in as the operator.</summary>
    public HttpClient Http(bool signedIn = true)
    {
        var http = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromMinutes(2) };
        if (signedIn)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return Track(http);
    }

    public async Task<JsonElement> State() => await Http().GetFromJsonAsync<JsonElement>("/api/state");

    /// <summary>Follows the stream from a cursor, or from now.</summary>
    public async Task<EventReader> Events(string? cursor = null) => Track(await EventReader.Open(Http(), cursor));

    /// <summary>Follows one agent's own stream from a cursor, or from now.</summary>
    public async Task<EventReader> EventsOf(string agent, string? cursor = null) =>
        Track(await EventReader.Open(Http(), cursor, agent));

    /// <summary>Follows the stream from the first event of this run of the host.</summary>
    public async Task<EventReader> EventsFromStart() =>
        await Events($"{(await State()).GetProperty("cursor").GetString()!.Split('-')[0]}-0");

    /// <summary>Follows this host's log from now on.</summary>
    public LoggedLines Log()
    {
        var lines = Track(new LoggedLines());
        Services.GetRequiredService<ILoggerFactory>().AddProvider(lines);
        return lines;
    }

    public async ValueTask DisposeAsync()
    {
        await StopHost();
        DaemonVolumes.Remove(DataDir);
        if (!keep)
            // A git that the host started before it was stopped may still be writing.
            await Patience.Until(() => TryDelete(Folder), $"{Folder} is deleted");
    }

    private static bool TryDelete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }

        return true;
    }

    private async Task StartHost()
    {
        app = await HiveApp.Build(
            [
                "--DataDir",
                DataDir,
                "--RunDir",
                RunDir,
                // A free port at each start: the one of the run before may have been given to a parallel test.
                "--Urls",
                "http://127.0.0.1:0",
                "--Runtime",
                "external",
                "--Logging:LogLevel:Default",
                "Warning",
                .. extra,
            ],
            services =>
            {
                // Tests ask in loops, and while the clock stands still, an agent's share would not come again.
                if (!realClock)
                    services.AddSingleton<TimeProvider>(Clock).AddSingleton(new ShareSize(int.MaxValue, int.MaxValue));
                configure?.Invoke(services);
            }
        );
        // As if a page had listened all the time: tests ask afterwards for the events.
        _ = app.Services.GetRequiredService<EventHub>().Listen();
        try
        {
            await HiveApp.Start(app);
        }
        catch
        {
            await app.DisposeAsync();
            app = null;
            throw;
        }

        Url = app.Urls.First();
    }

    /// <summary>Stops the host. Agents on <c>process</c> outlive it.</summary>
    public async Task StopHost()
    {
        IDisposable[] items;
        // A reaction to the last event may still be opening one.
        lock (opened)
        {
            items = [.. opened];
            opened.Clear();
        }

        foreach (var item in items)
            item.Dispose();
        if (app is not null)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        app = null;
    }

    private T Track<T>(T item)
        where T : IDisposable
    {
        lock (opened)
            opened.Add(item);
        return item;
    }
}
