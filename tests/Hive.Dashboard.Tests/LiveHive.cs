using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Common.Linux;
using Hive.Common.Storage;
using Hive.Host;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The real host with folders of its own, which can be stopped and started again on the same port, and agents
/// that are the test itself.</summary>
internal sealed class LiveHive : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("hive-page-");
    private readonly StreamCount streams = new();
    private readonly List<Socket> addresses = [];
    private readonly TimeProvider clock;
    private readonly Action<IServiceCollection>? configure;
    private readonly string runtime;
    private WebApplication? app;
    private Process? process;

    private LiveHive(TimeProvider clock, Action<IServiceCollection>? configure, string runtime) =>
        (this.clock, this.configure, this.runtime) = (clock, configure, runtime);

    public string Url { get; private set; } = "";

    /// <summary>How many streams pages hold at this moment, as the host sees it.</summary>
    public int Streams => streams.Now;

    /// <summary>The folder that all agents share.</summary>
    public string Shared => Path.Combine(DataDir, "shared");

    /// <summary>The folder of everything that this Hive keeps.</summary>
    public string Folder => folder.FullName;

    private string DataDir => Path.Combine(folder.FullName, "data");

    /// <summary>An agent's state folder.</summary>
    public string StateOf(string agent) => Path.Combine(DataDir, "agents", agent, "state");

    /// <summary>The repository of what agents are built with.</summary>
    public string Meta => Path.Combine(DataDir, "meta");

    private string RunDir => Path.Combine(folder.FullName, "run");

    private string[] Arguments => ["--DataDir", DataDir, "--RunDir", RunDir, "--Urls", Url, "--Runtime", runtime];

    /// <summary>Waits until pages hold this number of streams.</summary>
    public Task StreamsAreAsync(int count) => streams.WaitAsync(count).WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Starts a host with folders of its own.</summary>
    /// <param name="clock">Its clock.</param>
    /// <param name="url">Its address; a free port without it.</param>
    /// <param name="configure">Services of the test's own.</param>
    /// <param name="runtime">What its agents run in.</param>
    public static async Task<LiveHive> StartAsync(
        TimeProvider clock,
        string? url = null,
        Action<IServiceCollection>? configure = null,
        string runtime = "external"
    )
    {
        var hive = new LiveHive(clock, configure, runtime);
        hive.Url = url ?? hive.FindAddress();
        await hive.StartHostAsync();
        return hive;
    }

    public async Task StartHostAsync()
    {
        app = await HiveApp.Build(
            Arguments,
            services =>
            {
                services.AddSingleton<IStartupFilter>(streams).AddSingleton(clock);
                // A machine that runs other tests too may need longer to stop than an operator waits.
                services.PostConfigure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(60));
                configure?.Invoke(services);
            }
        );
        await HiveApp.Start(app);
    }

    /// <summary>Starts the host at another port, where its page is not.</summary>
    public Task StartElsewhereAsync()
    {
        Url = FindAddress();
        return StartHostAsync();
    }

    public async Task StopHostAsync()
    {
        await app!.StopAsync();
        await app.DisposeAsync();
        app = null;
        // A program that another test starts has copies of this process's sockets until its exec.
        var address = IPEndPoint.Parse(new Uri(Url).Authority);
        await Patience.Until(() => !Listeners().Contains(address), "nothing listens there any more");

        static IPEndPoint[] Listeners() => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners();
    }

    /// <summary>Starts the host in a process of its own, which can be killed.</summary>
    public async Task StartProcessAsync()
    {
        var here = AppContext.BaseDirectory.TrimEnd('/');
        var program = Path.Combine(here, "..", "..", "Hive.Host", Path.GetFileName(here), "hive-host");
        process = Process.Start(new ProcessStartInfo(program, Arguments) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.Contains(" is running. ", StringComparison.Ordinal))
                continue;
            // A full pipe would stop it.
            _ = process.StandardOutput.ReadToEndAsync();
            return;
        }

        Assert.Fail("the host has ended");
    }

    /// <summary>Ends that process with SIGKILL.</summary>
    public async Task KillHostAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
            await StopHostAsync();
        if (process is not null)
            await KillHostAsync();
        // Agents survive their host: the test ends them.
        if (Directory.Exists(Path.Combine(DataDir, "pids")))
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(DataDir, "pids")))
                Signal(Path.GetFileName(file), LinuxProcess.SigKill);
        }

        await Patience.Until(() => Task.FromResult(IsDeleted()), "no process writes to the folder any more");
        foreach (var socket in addresses)
            socket.Dispose();
    }

    // A process that was just ended may still have written a line of its log.
    private bool IsDeleted()
    {
        try
        {
            folder.Delete(recursive: true);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    // An address that no other host is given, also while this one is away.
    private string FindAddress()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        addresses.Add(socket);
        // It does not listen: a host that is told this port can.
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return $"http://{socket.LocalEndPoint}";
    }

    /// <summary>Restarts the host with these settings in its hive.json.</summary>
    public async Task ConfigureAsync(object settings)
    {
        await StopHostAsync();
        await File.WriteAllTextAsync(Path.Combine(DataDir, "hive.json"), JsonSerializer.Serialize(settings));
        await StartHostAsync();
    }

    /// <summary>Writes rows to the database, as if they were old, and starts the host again.</summary>
    public async Task FillAsync(params string[] statements)
    {
        await app!
            .Services.GetRequiredService<IStore>()
            .Write(write =>
            {
                foreach (var sql in statements)
                {
                    using var command = write.Db.CreateCommand();
                    command.CommandText = sql;
                    command.ExecuteNonQuery();
                }

                return true;
            });
        await StopHostAsync();
        await StartHostAsync();
    }

    /// <summary>Breaks the pages' streams off.</summary>
    public void DropStreams() => streams.Drop();

    /// <summary>Runs the hive command and returns its output as JSON.</summary>
    public async Task<JsonElement> CommandAsync(params string[] arguments)
    {
        var here = AppContext.BaseDirectory.TrimEnd('/');
        var program = Path.Combine(here, "..", "..", "Hive.Cli", Path.GetFileName(here), "hive");
        var start = new ProcessStartInfo(program, [.. arguments, "--json"]) { RedirectStandardOutput = true };
        start.Environment["HIVE_RUNDIR"] = RunDir;
        using var hive = Process.Start(start)!;
        var output = await hive.StandardOutput.ReadToEndAsync();
        await hive.WaitForExitAsync();
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    /// <summary>A link that signs in once, as `hive open` gives it.</summary>
    public async Task<string> LoginLinkAsync()
    {
        return (await CallAsync("open_link")).GetProperty("url").GetString()!;
    }

    /// <summary>The version that the host tells.</summary>
    public async Task<string> VersionAsync() => (await CallAsync("version")).GetProperty("hive_version").GetString()!;

    /// <summary>Changes preferences of the page, as its settings do; returns all of them.</summary>
    public async Task<JsonElement> PreferAsync(object changes)
    {
        using var http = await HttpAsync();
        using var answer = await http.PostAsJsonAsync("/api/preferences", changes);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("preferences");
    }

    /// <summary>The snapshot with which a page begins.</summary>
    public Task<JsonObject> StateAsync() => ReadAsync("/api/state");

    /// <summary>The answer to a GET.</summary>
    public async Task<JsonObject> ReadAsync(string path)
    {
        using var http = await HttpAsync();
        return (await http.GetFromJsonAsync<JsonObject>(path))!;
    }

    private async Task<HttpClient> HttpAsync()
    {
        var token = (await File.ReadAllTextAsync(Path.Combine(DataDir, "access-token"))).Trim();
        var http = new HttpClient { BaseAddress = new Uri(Url) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    /// <summary>Sends a command on the host's operator socket.</summary>
    public async Task<JsonElement> CallAsync(string command, object? fields = null)
    {
        using var operatorSocket = await OperatorAsync();
        return await operatorSocket.CallAsync(command, fields);
    }

    /// <summary>A connection to the host's operator socket.</summary>
    public Task<LineClient> OperatorAsync() => LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));

    /// <summary>Spawns an agent in a process of its own.</summary>
    public Task SpawnAsync(string name, bool start = true) =>
        CallAsync(
            "spawn",
            new
            {
                name,
                runtime = "process",
                start,
            }
        );

    /// <summary>Writes a file of an agent's applied configuration, before or after it is spawned.</summary>
    public Task ApplyAsync(string agent, string file, string text) =>
        File.WriteAllTextAsync(
            Path.Combine(Directory.CreateDirectory(Path.Combine(DataDir, "applied", agent)).FullName, file),
            text
        );

    /// <summary>The repository in which an agent's configuration is proposed.</summary>
    public string ConfigOf(string agent) => Path.Combine(DataDir, "agents", agent, "config");

    /// <summary>Runs git in that repository and returns its output.</summary>
    public async Task<string> GitAsync(string agent, params string[] arguments)
    {
        using var git = Process.Start(
            new ProcessStartInfo("git", ["-C", ConfigOf(agent), .. arguments]) { RedirectStandardOutput = true }
        )!;
        var output = await git.StandardOutput.ReadToEndAsync();
        await git.WaitForExitAsync();
        Assert.Equal(0, git.ExitCode);
        return output.Trim();
    }

    /// <summary>Appends lines to an agent's log, as its pump does.</summary>
    public Task PrintAsync(string agent, IEnumerable<string> lines) => File.AppendAllLinesAsync(LogOf(agent), lines);

    /// <summary>The file of an agent's log.</summary>
    public string LogOf(string agent) =>
        Path.Combine(Directory.CreateDirectory(Path.Combine(DataDir, "logs")).FullName, $"{agent}.log");

    /// <summary>Waits until an agent's log has a line with this text.</summary>
    public async Task LoggedAsync(string agent, string text)
    {
        await Patience.Until(
            async () =>
                (await CallAsync("logs", new { name = agent, lines = 50 }))
                    .ToString()
                    .Contains(text, StringComparison.Ordinal),
            $"{agent} prints: {text}"
        );
    }

    /// <summary>Sends a signal to every process of an agent.</summary>
    public void Signal(string agent, int signal) => LinuxProcess.Signal(-Pid(agent), signal);

    /// <summary>The process id of an agent.</summary>
    public int Pid(string agent) =>
        int.Parse(File.ReadAllText(Path.Combine(DataDir, "pids", agent)).Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>Spawns an external agent and opens its socket: the test acts as the agent.</summary>
    public async Task<LineClient> JoinAsync(string name)
    {
        await CallAsync("spawn", new { name, runtime = "external" });
        return await OpenAsync(name);
    }

    public Task<LineClient> OpenAsync(string name) =>
        LineClient.ConnectAsync(Path.Combine(RunDir, "agents", name, "agent.sock"));

    /// <summary>Whether the host reports an agent as paused.</summary>
    public async Task<bool> IsPausedAsync(string name)
    {
        var rows = (await CallAsync("agent_status")).GetProperty("agent_statuses");
        return rows.EnumerateArray()
            .Single(row => row.GetProperty("name").GetString() == name)
            .GetProperty("paused")
            .GetBoolean();
    }

    private sealed class StreamCount : IStartupFilter
    {
        private readonly Lock gate = new();
        private readonly List<(int Count, TaskCompletionSource Reached)> waiting = [];
        private readonly HashSet<HttpContext> open = [];
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

        public void Drop()
        {
            lock (gate)
            {
                foreach (var http in open)
                    http.Abort();
            }
        }

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) =>
            builder =>
            {
                builder.Use(
                    async (HttpContext http, RequestDelegate rest) =>
                    {
                        if (!http.Request.Path.StartsWithSegments("/dashboard/stream"))
                        {
                            await rest(http);
                            return;
                        }

                        Add(1, http);
                        try
                        {
                            await rest(http);
                        }
                        finally
                        {
                            Add(-1, http);
                        }
                    }
                );
                next(builder);
            };

        private void Add(int change, HttpContext http)
        {
            lock (gate)
            {
                if (change > 0)
                    open.Add(http);
                else
                    open.Remove(http);
                now += change;
                foreach (var (_, reached) in waiting.Where(w => w.Count == now))
                    reached.TrySetResult();
                waiting.RemoveAll(w => w.Count == now);
            }
        }
    }
}
