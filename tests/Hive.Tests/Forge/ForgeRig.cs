using System.Text.Json;
using Dapper;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Forge;

/// <summary>A host with a forge beside it, whose admin it knows by name and password unless a test says
/// otherwise.</summary>
internal sealed class ForgeRig : IAsyncDisposable
{
    // Its length in hexadecimal digits, the band, and the text.
    private static readonly byte[] Progress = System.Text.Encoding.ASCII.GetBytes(
        $"{4 + 1 + 500:x4}\u0002{new string('.', 499)}\n"
    );

    private ForgeRig(StandInForge forge, HiveFixture hive) => (Forge, Hive) = (forge, hive);

    public StandInForge Forge { get; }

    public HiveFixture Hive { get; }

    public static Task<ForgeRig> Start() => Start(_ => { });

    /// <summary>Starts both.</summary>
    /// <param name="before">Prepares the forge before the host starts.</param>
    /// <param name="configuration">In place of the admin's name and password.</param>
    public static async Task<ForgeRig> Start(
        Action<StandInForge> before,
        Func<StandInForge, string[]>? configuration = null
    )
    {
        var forge = await StandInForge.Start();
        before(forge);
        return new ForgeRig(
            forge,
            await HiveFixture.Start([
                .. configuration?.Invoke(forge)
                    ??
                    [
                        "--Forge:Url",
                        forge.Url,
                        "--Forge:User",
                        StandInForge.AdminName,
                        "--Forge:Password",
                        forge.AdminPassword,
                    ],
            ])
        );
    }

    /// <summary>Runs a sweep and waits for its end.</summary>
    public async Task<ForgeView> Sync()
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        return View(await host.CallAsync("forge_sync"));
    }

    public async Task<ForgeView> Status()
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        return View(await host.CallAsync("forge_status"));
    }

    /// <summary>Reads the stream from the start of this run of the host until the forge's view satisfies a
    /// condition.</summary>
    public async Task<ForgeView> Until(Func<ForgeView, bool> condition)
    {
        using var events = await Hive.EventsFromStart();
        while (true)
        {
            var forge = View(await events.Next("forge_changed"));
            if (condition(forge))
                return forge;
        }
    }

    /// <summary>Makes the forge hold the push of a repository.</summary>
    /// <returns>Completes when a push is in progress, with an action that releases it.</returns>
    public (Task Pushing, Action End) HoldPush(string name)
    {
        var (pushing, end) = (
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        Forge.Instead = async http =>
        {
            if (http.Request.Path != $"/{name}.git/git-receive-pack")
                return false;
            pushing.TrySetResult();
            // Git times out on a silent server, so it is sent progress messages on the second band.
            http.Response.ContentType = "application/x-git-receive-pack-result";
            while (await Task.WhenAny(end.Task, Task.Delay(TimeSpan.FromSeconds(1))) != end.Task)
            {
                await http.Response.Body.WriteAsync(Progress);
                await http.Response.Body.FlushAsync();
            }

            return false;
        };
        return (pushing.Task, () => end.TrySetResult());
    }

    /// <summary>Reads one column from the database.</summary>
    public string[] Rows(string sql)
    {
        using var db = new SqliteConnection(
            $"Data Source={Path.Combine(Hive.DataDir, "hive.sqlite")};Mode=ReadOnly;Pooling=False"
        );
        return [.. db.Query<string>(sql)];
    }

    /// <summary>Changes the database behind the host's back.</summary>
    public void Execute(string sql)
    {
        using var db = new SqliteConnection($"Data Source={Path.Combine(Hive.DataDir, "hive.sqlite")};Pooling=False");
        db.Execute(sql);
    }

    public string StateOf(string agent) => Path.Combine(Hive.DataDir, "agents", agent, "state");

    public string TokenFile(string agent) => Path.Combine(StateOf(agent), "forge-token");

    public string TokenOf(string agent) => File.ReadAllText(TokenFile(agent)).Trim();

    /// <summary>Main and all tags of a local repository.</summary>
    public string Refs(string? agent) =>
        Repositories.AsSomebody(
            agent is null ? Path.Combine(Hive.DataDir, "meta") : Path.Combine(Hive.DataDir, "applied", agent),
            "for-each-ref",
            "--format=%(objectname) %(refname)"
        );

    public ForgeAccount Account(ForgeView view, string agent) => view.Accounts.Single(a => a.Agent == agent);

    public async ValueTask DisposeAsync()
    {
        await Hive.DisposeAsync();
        await Forge.DisposeAsync();
    }

    private static ForgeView View(JsonElement answer) =>
        answer.GetProperty("forge").Deserialize<ForgeView>(WireJson.Options)!;
}
