using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Hive.Protocol;

namespace Hive.Benchmarks;

/// <summary>The real host as a child process, with its own data and run folders and external agents.</summary>
internal sealed class HiveHost : IServer, IAsyncDisposable
{
    private readonly Scratch scratch;
    private readonly string folder;
    private readonly List<string> sockets = [];
    private Scratch.Child child;

    private HiveHost(Scratch scratch, Scratch.Child child, string folder, Uri url) =>
        (this.scratch, this.child, this.folder, Url) = (scratch, child, folder, url);

    /// <summary>The folder of the checkout that this program was built from.</summary>
    public static string Checkout { get; } = FindCheckout();

    public static string DefaultPath => Path.Combine(Checkout, "artifacts", "bin", "Hive.Host", "release", "hive-host");

    public string Name => "hive";

    public Uri Url { get; }

    public Proc Process => new(child.Process.Id);

    public IReadOnlyList<string> Agents =>
        [.. sockets.Select(socket => Path.GetFileName(Path.GetDirectoryName(socket)!))];

    public IEnumerable<string> LoadArguments => sockets;

    /// <summary>The socket of one of the agents.</summary>
    public string Socket(int index) => sockets[index];

    /// <summary>The data folder.</summary>
    public string DataFolder => Path.Combine(folder, "data");

    /// <summary>The state folder of one of the agents.</summary>
    public string StateFolder(int index) => Path.Combine(DataFolder, "agents", Agents[index], "state");

    private string RunFolder => Path.Combine(folder, "run");

    /// <param name="plan">Which host, and where it runs.</param>
    /// <param name="agents">The number of its agents: b01, b02, …</param>
    /// <param name="ct">Cancels the start.</param>
    public static async Task<HiveHost> StartAsync(Plan plan, int agents, CancellationToken ct)
    {
        if (!File.Exists(plan.HostPath))
            throw new BenchmarkException(
                $"the host was not found at {plan.HostPath}; build it (dotnet build -c Release src/Host) or name "
                    + $"one with --host"
            );
        var folder = plan.Scratch.NewFolder("hive");
        var url = new Uri($"http://127.0.0.1:{FreePort()}");
        var host = new HiveHost(plan.Scratch, Start(plan, folder, url), folder, url);
        await host.WaitUntilReady(plan, ct);
        await host.Spawn(agents, ct);
        return host;
    }

    /// <summary>Waits until the host has used less than 60 ms of processor time within three seconds.</summary>
    public async Task Rest(CancellationToken ct)
    {
        for (var seconds = 0; seconds < 600; seconds += 3)
        {
            var before = Process.Read().CpuSeconds;
            await Task.Delay(TimeSpan.FromSeconds(3), ct);
            if (Process.Read().CpuSeconds - before < 0.06)
                return;
        }

        throw new BenchmarkException("the host still works after ten minutes");
    }

    /// <summary>Ends the host and starts it again on its folders.</summary>
    public async Task Restart(Plan plan, CancellationToken ct)
    {
        await scratch.StopAsync(child);
        child = Start(plan, folder, Url);
        await WaitUntilReady(plan, ct);
    }

    /// <summary>A connection to the host socket.</summary>
    public Task<LineClient> Operator(CancellationToken ct) =>
        LineClient.ConnectAsync(Path.Combine(RunFolder, "host.sock"), ct);

    /// <summary>A connection to the socket of one of the agents.</summary>
    public Task<LineClient> Agent(int index, CancellationToken ct) => LineClient.ConnectAsync(sockets[index], ct);

    /// <summary>A client that carries the operator's token and opens any number of connections.</summary>
    public HttpClient Http() => Http(folder, Url);

    /// <summary>The same, for a host that has its data below a folder.</summary>
    public static HttpClient Http(string folder, Uri url)
    {
        var token = File.ReadAllText(Path.Combine(folder, "data", "access-token")).Trim();
        // A stream keeps its connection as long as it is open.
        var handler = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = int.MaxValue,
            ConnectTimeout = TimeSpan.FromSeconds(30),
        };
        var client = new HttpClient(handler) { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>The command line of a host that has its folders below one.</summary>
    public static string[] Options(string folder, Uri url) =>
        [
            "--DataDir",
            Path.Combine(folder, "data"),
            "--RunDir",
            Path.Combine(folder, "run"),
            "--Urls",
            url.GetLeftPart(UriPartial.Authority),
            "--Runtime",
            "external",
        ];

    public async ValueTask DisposeAsync()
    {
        await scratch.StopAsync(child);
        Directory.Delete(folder, recursive: true);
    }

    private static Scratch.Child Start(Plan plan, string folder, Uri url) =>
        plan.Scratch.Start(
            plan.HostPath,
            Options(folder, url),
            Path.Combine(folder, "host.log"),
            // As `./hive up` sets them; the size of the youngest generation can be set by environment only.
            new Dictionary<string, string>
            {
                ["DOTNET_TieredPGO"] = "1",
                ["DOTNET_GCgen0size"] = "0x2000000",
                ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1",
                ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0",
            }
        );

    private Task WaitUntilReady(Plan plan, CancellationToken ct) =>
        Ready.WaitAsync(plan.HostPath, child, async () => (await Operator(ct)).Dispose(), ct);

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string FindCheckout()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Hive.sln")))
                return folder.FullName;
        }

        throw new BenchmarkException($"{AppContext.BaseDirectory} is not inside a checkout of Hive");
    }

    private async Task Spawn(int agents, CancellationToken ct)
    {
        using var client = await Operator(ct);
        for (var n = 1; n <= agents; n++)
        {
            var name = "b" + n.ToString("00", CultureInfo.InvariantCulture);
            await client.CallAsync("spawn", new { name, runtime = "external" }, ct);
            sockets.Add(Path.Combine(RunFolder, "agents", name, "agent.sock"));
        }
    }
}
