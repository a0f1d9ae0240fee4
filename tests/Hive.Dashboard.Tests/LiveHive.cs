using Hive.Host;
using Hive.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The real host with folders of its own, which can be stopped and started again on the same port, and agents that are the test itself.</summary>
internal sealed class LiveHive : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("hive-page-");
    private readonly StreamCount streams = new();
    private readonly TimeProvider clock;
    private WebApplication? app;

    private LiveHive(TimeProvider clock) => this.clock = clock;

    public string Url { get; private set; } = "http://127.0.0.1:0";

    /// <summary>How many streams pages hold at this moment, as the host sees it.</summary>
    public int Streams => streams.Now;

    /// <summary>Below the folder that every agent shares.</summary>
    public string Shared => Path.Combine(folder.FullName, "data", "shared");

    /// <summary>An agent's state folder.</summary>
    public string StateOf(string agent) => Path.Combine(folder.FullName, "data", "agents", agent, "state");

    private string RunDir => Path.Combine(folder.FullName, "run");

    /// <summary>Waits until pages hold so many streams.</summary>
    public Task StreamsAreAsync(int count) => streams.WaitAsync(count).WaitAsync(TimeSpan.FromSeconds(60));

    public static async Task<LiveHive> StartAsync(TimeProvider clock)
    {
        var hive = new LiveHive(clock);
        await hive.StartHostAsync();
        return hive;
    }

    public async Task StartHostAsync()
    {
        app = HiveApp.Build(
            ["--DataDir", Path.Combine(folder.FullName, "data"), "--RunDir", RunDir, "--Urls", Url, "--Runtime", "external"],
            services => services.AddSingleton<IStartupFilter>(streams).AddSingleton(clock));
        await HiveApp.Start(app);
        Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    public async Task StopHostAsync()
    {
        await app!.StopAsync();
        await app.DisposeAsync();
        app = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
            await StopHostAsync();
        folder.Delete(recursive: true);
    }

    /// <summary>A link that signs in once, as `hive open` gives it.</summary>
    public async Task<string> LoginLinkAsync()
    {
        using var operatorSocket = await LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));
        return (await operatorSocket.CallAsync("open_link")).GetProperty("url").GetString()!;
    }

    /// <summary>Makes an agent that a process of its own will be.</summary>
    public async Task SpawnStoppedAsync(string name)
    {
        using var operatorSocket = await LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));
        await operatorSocket.CallAsync("spawn", new { name, runtime = "process", start = false });
    }

    /// <summary>Makes an agent without a container and opens its socket: the test is the agent.</summary>
    public async Task<LineClient> JoinAsync(string name)
    {
        using (var operatorSocket = await LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock")))
            await operatorSocket.CallAsync("spawn", new { name, runtime = "external" });
        return await OpenAsync(name);
    }

    public Task<LineClient> OpenAsync(string name) => LineClient.ConnectAsync(Path.Combine(RunDir, "agents", name, "agent.sock"));

    /// <summary>What the host itself says of an agent; the page must agree with it.</summary>
    public async Task<bool> IsPausedAsync(string name)
    {
        using var operatorSocket = await LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));
        var rows = (await operatorSocket.CallAsync("agent_status")).GetProperty("agent_statuses");
        return rows.EnumerateArray().Single(row => row.GetProperty("name").GetString() == name).GetProperty("paused").GetBoolean();
    }

    private sealed class StreamCount : IStartupFilter
    {
        private readonly Lock gate = new();
        private readonly List<(int Count, TaskCompletionSource Reached)> waiting = [];
        private int now;

        public int Now => Volatile.Read(ref now);

        public Task WaitAsync(int count)
        {
            lock (gate)
            {
                if (now == count)
                    return Task.CompletedTask;
                var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting.Add((count, reached));
                return reached.Task;
            }
        }

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => builder =>
        {
            builder.Use(async (HttpContext http, RequestDelegate rest) =>
            {
                if (!http.Request.Path.StartsWithSegments("/dashboard/stream"))
                {
                    await rest(http);
                    return;
                }

                Add(1);
                try
                {
                    await rest(http);
                }
                finally
                {
                    Add(-1);
                }
            });
            next(builder);
        };

        private void Add(int change)
        {
            lock (gate)
            {
                now += change;
                foreach (var (_, reached) in waiting.Where(w => w.Count == now))
                    reached.TrySetResult();
                waiting.RemoveAll(w => w.Count == now);
            }
        }
    }
}
