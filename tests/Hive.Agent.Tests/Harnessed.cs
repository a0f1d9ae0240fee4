using System.Text.Json.Nodes;
using Hive.Agent.Serve;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

/// <summary>
/// Alice with a harness whose driver starts programs: a real host, a socket in front of alice's, a home folder and the
/// stand-in for Claude Code on the PATH.
/// </summary>
internal sealed class Harnessed : IAsyncDisposable
{
    private readonly string root;

    private Harnessed(Alice alice, string root)
    {
        (Alice, this.root) = (alice, root);
        Home = Directory.CreateDirectory(Path.Combine(root, "home")).FullName;
        Folder = Directory.CreateDirectory(Path.Combine(root, "run")).FullName;
        Front = new HostInFront(Path.Combine(Folder, "agent.sock"), alice.Socket);
    }

    public Alice Alice { get; }

    public HostInFront Front { get; }

    public string Home { get; }

    public string Folder { get; }

    /// <summary>The folder of the agent's inputs.</summary>
    public string Inputs => Path.Combine(root, "inputs");

    public ManualClock Clock => Alice.Hive.Clock;

    public string StateDir => Alice.StateDir;

    public string Credentials => Path.Combine(Home, ".claude", ".credentials.json");

    /// <summary>The path of the stand-in for Claude Code.</summary>
    public static string Program => Path.Combine(StandIn, "claude");

    private static string StandIn { get; } = Path.Combine(AppContext.BaseDirectory, "StandIn");

    public static async Task<Harnessed> StartAsync(
        string yaml = "driver: claude",
        bool realClock = true,
        bool loggedIn = true
    )
    {
        var alice = await Alice.StartAsync(realClock);
        var harnessed = new Harnessed(alice, Directory.CreateTempSubdirectory("hive-h-").FullName);
        harnessed.Write("agent.yaml", yaml);
        if (loggedIn)
            harnessed.LogIn("old");
        return harnessed;
    }

    public void Write(string file, string text) => File.WriteAllText(Path.Combine(Folder, file), text);

    public void LogIn(string token)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Credentials)!);
        File.WriteAllText(Credentials, $$$"""{"claudeAiOauth":{"accessToken":"{{{token}}}"}}""");
    }

    /// <summary>Starts the real program.</summary>
    public AgentProcess Serve(string? path = null) =>
        new(Front.Socket, path is null ? Variables : new Dictionary<string, string>(Variables) { ["PATH"] = path });

    /// <summary>Runs the harness in this process, with a clock that the test moves.</summary>
    public (Task Ended, CancellationTokenSource Stop) ServeHere(string more = "", string? program = null)
    {
        Write(
            "agent.yaml",
            $"""
            driver: claude
            command: ["{program ?? Program}"]
            environment:
              CLAUDE_CONFIG_DIR: "{Path.Combine(Home, ".claude")}"
            {more}
            """
        );
        var log = new Log(TextWriter.Null, Clock);
        var stop = new CancellationTokenSource();
        return (RunAsync(), stop);

        async Task RunAsync()
        {
            await using var loop = new TurnLoop(Front.Socket, AgentSettings.Read(Folder, log), null, log, Clock);
            await loop.RunAsync(stop.Token);
        }
    }

    /// <summary>A file that the nth run of the stand-in recorded.</summary>
    public string Run(int number, string file) => File.ReadAllText(Path.Combine(StateDir, "runs", $"{number}", file));

    public string[] Arguments(int number) => Run(number, "args").TrimEnd('\n').Split('\n');

    public int Runs =>
        Directory.Exists(Path.Combine(StateDir, "runs"))
            ? Directory.GetDirectories(Path.Combine(StateDir, "runs")).Length
            : 0;

    /// <summary>The nth report of the end of a turn.</summary>
    public Task<JsonObject> EndedAsync(int number = 1) => Front.RequestAsync("end_turn", number);

    public async Task AckedAsync(EventReader events, long id) => await events.HappenedAsync("acked", id);

    public async ValueTask DisposeAsync()
    {
        await Front.DisposeAsync();
        await Alice.DisposeAsync();
        Directory.Delete(root, recursive: true);
    }

    private Dictionary<string, string> Variables =>
        new()
        {
            ["HOME"] = Home,
            ["HIVE_INPUTS"] = Inputs,
            ["PATH"] = $"{StandIn}:{Environment.GetEnvironmentVariable("PATH")}",
        };
}
