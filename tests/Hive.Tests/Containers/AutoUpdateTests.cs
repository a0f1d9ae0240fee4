using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Containers;

/// <summary>Tests the update of agents that an older Hive has started.</summary>
public sealed class AutoUpdateTests
{
    [Theory]
    [InlineData("true")]
    [InlineData(null)]
    public async Task Agents_of_an_older_Hive_are_rebuilt_or_marked_at_start(string? wanted)
    {
        await using var hive = await HiveFixture.Start(wanted is null ? [] : ["--AutoUpdate", wanted]);
        await hive.Spawn("older", "same");
        await hive.Restart(() => Older(hive, "older"));
        if (wanted is null)
        {
            var message = Assert.Single(await (await hive.Connect("manager")).Receive(wait: 30));
            Assert.Equal(
                ("needs_update", "older"),
                (
                    JsonElement.Parse(message.Body).GetProperty("event").GetString(),
                    JsonElement.Parse(message.Body).GetProperty("agent").GetString()
                )
            );
            Assert.True(await NeedsUpdate(hive, "older"));
            Assert.False(await NeedsUpdate(hive, "same"));
            return;
        }

        var events = await hive.EventsFromStart();
        JsonElement cleared;
        do cleared = await events.Next("transient_cleared");
        while (cleared.GetProperty("name").GetString() != "older");
        Assert.False(await NeedsUpdate(hive, "older"));
        var told = (await (await hive.Connect("manager")).Receive())
            .Select(m => JsonElement.Parse(m.Body))
            .Where(e => e.GetProperty("event").GetString() == "rebuilt");
        Assert.Equal(["older"], told.Select(e => e.GetProperty("agent").GetString()));
    }

    private static async Task<bool> NeedsUpdate(HiveFixture hive, string name) =>
        (await hive.State())
            .GetProperty("agents")
            .Deserialize<ContainerView[]>(WireJson.Options)!
            .Single(r => r.Name == name)
            .NeedsUpdate;

    // Makes the stored state look like that of another version.
    private static void Older(HiveFixture hive, string name)
    {
        using var db = new SqliteConnection($"Data Source={Path.Combine(hive.DataDir, "hive.sqlite")};Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText =
            "UPDATE containers SET runs_on = '0.0.1' || substr(runs_on, instr(runs_on, ' ')) WHERE agent = $agent";
        command.Parameters.AddWithValue("$agent", name);
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
