using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;

namespace Hive.Tests.Forge;

/// <summary>The forge in the operator's command and in the doctor.</summary>
public sealed class ForgeVerbTests
{
    [Fact]
    public async Task Status_shows_accounts_and_pushes_and_sync_adds_what_is_missing()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        var synced = await Run(rig.Hive, "sync");
        Assert.Equal(0, synced.ExitCode);

        var status = await Run(rig.Hive, "status");
        Assert.Equal(($"The forge at {rig.Forge.Url}/ (http) answers.", 0), (status.Lines[0], status.ExitCode));
        Assert.Matches("^REPOSITORY +PUSHED +TOKEN +ACCOUNT +HEAD +ERROR$", status.Lines[1]);
        Assert.Contains(
            status.Lines,
            line =>
                System.Text.RegularExpressions.Regex.IsMatch(
                    line,
                    "^agents/alice +[^ ]+( [a-z]+)* +yes +alice +[0-9a-f]{12}$"
                )
        );
        Assert.Contains(status.Lines, line => line.StartsWith("core/meta ", StringComparison.Ordinal));
        var json = JsonElement.Parse((await Run(rig.Hive, "status", "--json")).Output).GetProperty("forge");
        Assert.Equal("up", json.GetProperty("state").GetString());
        Assert.DoesNotContain(rig.TokenOf("alice"), status.Output + json.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sync_that_fails_in_part_exits_with_1_and_names_the_failure()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("api");
        var synced = await Run(rig.Hive, "sync");
        Assert.Equal(1, synced.ExitCode);
        Assert.Equal("hive: api has no token; Hive retries automatically\n", synced.Error);
        Assert.Contains("name is reserved", synced.Output, StringComparison.Ordinal);
        rig.Forge.Pause();
        synced = await Run(rig.Hive, "sync");
        Assert.Equal(1, synced.ExitCode);
        Assert.StartsWith(
            $"hive: the forge is down: {rig.Forge.Url}/ cannot be reached",
            synced.Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Without_a_forge_status_says_so_and_sync_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        var status = await Run(hive, "status");
        Assert.Equal(
            (0, "The forge is off: no forge is configured: set Forge:Url and its admin (docs/forge.md)\n"),
            (status.ExitCode, status.Output)
        );
        var synced = await Run(hive, "sync");
        Assert.Equal((1, ""), (synced.ExitCode, synced.Output));
        Assert.StartsWith("hive: the forge is off: no forge is configured", synced.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Run(hive)).ExitCode);
    }

    [Fact, Long]
    public async Task The_doctor_distinguishes_a_working_a_failing_and_a_missing_forge()
    {
        await using var rig = await ForgeRig.Start();
        var found = await Diagnosed(rig.Hive);
        Assert.Equal(
            (FindingState.Ok, $"on (http): {rig.Forge.Url}/, version 15.0.0+stand-in"),
            (found["forge"].State, found["forge"].Text)
        );
        Assert.Equal((FindingState.Ok, "'boss' administers it"), (found["admin"].State, found["admin"].Text));
        rig.Forge.Pause();
        found = await Diagnosed(rig.Hive);
        Assert.Equal(FindingState.Failed, found["forge"].State);
        Assert.StartsWith("on, but failing: ", found["forge"].Text, StringComparison.Ordinal);

        await using var wrong = await HiveFixture.Start("--Forge:Url", "http://forge.example.org");
        found = await Diagnosed(wrong);
        Assert.Equal(
            (FindingState.Failed, true),
            (found["forge"].State, found["forge"].Advice!.Contains("docs/forge.md", StringComparison.Ordinal))
        );
        Assert.StartsWith("off: Forge:Url is set without an admin", found["forge"].Text, StringComparison.Ordinal);
    }

    private static Task<Outcome> Run(HiveFixture hive, params string[] words) =>
        Built.HiveAsync(["forge", .. words, "--run-dir", hive.RunDir]);

    private static async Task<Dictionary<string, Finding>> Diagnosed(HiveFixture hive)
    {
        using var host = await hive.Operator();
        return (await host.CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.Where(f => f.Topic == "forge")
            .ToDictionary(f => f.Name);
    }
}
