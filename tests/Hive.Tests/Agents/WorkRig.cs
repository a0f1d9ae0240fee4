using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Tests.Agents;

/// <summary>Agents with a configuration of the test's own.</summary>
internal static class WorkRig
{
    /// <summary>Creates an external agent with that <c>agent.yaml</c>.</summary>
    public static async Task SpawnAs(this HiveFixture hive, string name, string yaml)
    {
        Configure(hive, name, yaml);
        await hive.Spawn(name);
    }

    /// <summary>Connects an agent; the host knows of it when this returns.</summary>
    public static async Task Online(this HiveFixture hive, params string[] names)
    {
        foreach (var name in names)
            await (await hive.Connect(name)).CallAsync("status");
    }

    /// <summary>Replaces an agent's <c>agent.yaml</c> and rebuilds it on that.</summary>
    public static async Task Redeploy(this HiveFixture hive, string name, string yaml)
    {
        Configure(hive, name, yaml);
        var events = await hive.Events();
        await (await hive.Operator()).CallAsync("rebuild", new { name });
        await events.Next("transient_cleared");
    }

    /// <summary>An agent's row in the snapshot.</summary>
    public static async Task<JsonElement> Row(this HiveFixture hive, string name) =>
        (await hive.State())
            .GetProperty("agents")
            .EnumerateArray()
            .Single(row => row.GetProperty("name").GetString() == name);

    private static void Configure(HiveFixture hive, string name, string yaml)
    {
        var folder = Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", name)).FullName;
        File.WriteAllText(Path.Combine(folder, "agent.yaml"), yaml);
    }
}
