using System.Text.Json;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Git;

namespace Hive.Tests.Meta;

/// <summary>A host, and repositories that its agents use as inputs.</summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-up-").FullName;

    private Upstream() { }

    public HiveFixture Hive { get; private set; } = null!;

    public string Meta => Path.Combine(Hive.DataDir, "meta");

    public static async Task<Upstream> Start(bool realClock = false, params string[] args)
    {
        var upstream = new Upstream();
        upstream.Hive = await HiveFixture.Start(
            realClock,
            ["--Driver", "scripted", "--Inputs:AllowedPaths", upstream.folder, .. args]
        );
        return upstream;
    }

    public string Url(string name) => "file://" + Path.Combine(folder, name);

    public string Path_(string name) => Path.Combine(folder, name);

    /// <summary>Commits to a repository, which the first commit creates, and returns the commit's id.</summary>
    public string Commit(string name, string file, string content)
    {
        var work = Path.Combine(folder, name);
        if (!Directory.Exists(work))
        {
            Directory.CreateDirectory(work);
            Repositories.AsSomebody(work, "init", "-q", "-b", "main");
        }

        File.WriteAllText(Path.Combine(work, file), content);
        Repositories.AsSomebody(work, "add", "-A");
        Repositories.AsSomebody(work, "commit", "-q", "-m", "a change of " + file);
        return Repositories.AsSomebody(work, "rev-parse", "HEAD");
    }

    /// <summary>Spawns an agent with inputs, by name and url.</summary>
    public async Task Spawn(string agent, string runtime, params (string Name, string Url)[] inputs)
    {
        Configure(agent, inputs);
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        await host.CallAsync("spawn", new { name = agent, runtime });
    }

    public void Configure(string agent, params (string Name, string Url)[] inputs)
    {
        var applied = Directory.CreateDirectory(Path.Combine(Hive.DataDir, "applied", agent)).FullName;
        File.WriteAllText(
            Path.Combine(applied, "agent.yaml"),
            "inputs:\n" + string.Concat(inputs.Select(i => $"  {i.Name}: {{ url: \"{i.Url}\" }}\n"))
        );
    }

    public async Task Do(string verb, string name)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        await host.CallAsync(verb, new { name });
    }

    public async Task<MetaInput[]> Inputs() =>
        (await Hive.State()).GetProperty("meta_inputs").Deserialize<MetaInput[]>(WireJson.Options)!;

    public string Git(params string[] arguments) => Repositories.AsSomebody(Meta, arguments);

    public string[] Log() => Git("log", "--reverse", "--format=%s").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public async ValueTask DisposeAsync()
    {
        await Hive.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
