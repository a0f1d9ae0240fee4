using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Host;
using Hive.Tests.Fixture;

namespace Hive.Tests.Backups;

/// <summary>Backups that the host makes by itself.</summary>
public sealed class ScheduleTests
{
    [Fact]
    public async Task Backups_are_made_on_schedule_restore_and_the_oldest_are_removed()
    {
        await using var hive = await HiveFixture.Start("--Backups:EveryHours", "6", "--Backups:Keep", "2");
        await hive.Spawn("alice");
        var folder = hive.DataDir + ".backups";
        await Made(folder, "hive-20260131T120000Z.tar");
        var other = Path.Combine(folder, "hive-mine.tar");
        await File.WriteAllTextAsync(other, "not of the schedule", TestContext.Current.CancellationToken);

        for (var i = 1; i <= 2; i++)
        {
            hive.Clock.Advance(TimeSpan.FromHours(6));
            await Made(folder, $"hive-{hive.Clock.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}.tar");
        }

        await Patience.Until(
            () => Task.FromResult(!File.Exists(Path.Combine(folder, "hive-20260131T120000Z.tar"))),
            "the oldest is not removed"
        );
        Assert.Equal(
            ["hive-20260131T180000Z.tar", "hive-20260201T000000Z.tar", "hive-mine.tar"],
            Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order()
        );
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Path.Combine(folder, "hive-20260201T000000Z.tar"))
        );
        var data = Path.Combine(hive.Folder, "restored");
        var told = await MadeBackup.Restore(Path.Combine(folder, "hive-20260201T000000Z.tar"), data);
        Assert.Contains("2 agents", told, StringComparison.Ordinal);
        // The next start counts from the newest file.
        await hive.Restart();
        hive.Clock.Advance(TimeSpan.FromHours(5));
        using var line = await hive.Operator();
        Assert.Contains(
            "the newest is ",
            (await line.CallAsync("doctor")).GetProperty("findings").GetRawText(),
            StringComparison.Ordinal
        );
        Assert.Equal(3, Directory.EnumerateFileSystemEntries(folder).Count());
    }

    [Fact]
    public async Task A_backup_that_fails_shows_in_health_and_in_the_list_until_one_is_made()
    {
        var place = Directory.CreateTempSubdirectory("hive-schedule-").FullName;
        var folder = Path.Combine(place, "backups");
        await File.WriteAllTextAsync(folder, "in the way", TestContext.Current.CancellationToken);
        await using var hive = await HiveFixture.Start(
            "--Backups:EveryHours",
            "1",
            "--Backups:Folder",
            Path.Combine(folder, "here")
        );
        using var http = hive.Http(signedIn: false);
        async Task<string> Health() => (await http.GetFromJsonAsync<JsonElement>("/health")).GetRawText();
        using var line = await hive.Operator();
        async Task<bool> IsListed() =>
            (await line.CallAsync("waiting")).GetRawText().Contains("\"trouble-backup\"", StringComparison.Ordinal);

        await Patience.Until(
            async () => (await Health()).Contains("backups of the schedule fail", StringComparison.Ordinal),
            "ok"
        );
        await Patience.Until(
            async () =>
            {
                hive.Clock.Advance(TimeSpan.FromMinutes(1));
                return await IsListed();
            },
            "the list does not show it"
        );
        Assert.Contains("no backup in ", (await line.CallAsync("doctor")).GetRawText(), StringComparison.Ordinal);
        File.Delete(folder);
        hive.Clock.Advance(TimeSpan.FromHours(1));
        await Patience.Until(
            async () => !(await Health()).Contains("backups of the schedule fail", StringComparison.Ordinal),
            "bad"
        );
        await Patience.Until(
            async () =>
            {
                hive.Clock.Advance(TimeSpan.FromMinutes(1));
                return !await IsListed();
            },
            "the list still shows it"
        );
        Directory.Delete(place, recursive: true);
    }

    [Fact]
    public async Task A_partial_backup_shows_as_trouble_and_keeps_the_last_whole_one()
    {
        string[] options = ["--Backups:EveryHours", "1", "--Backups:Keep", "1", "--Backups:WithState", "true"];
        await using var hive = await HiveFixture.Start(options);
        var folder = hive.DataDir + ".backups";
        await Made(folder, "hive-20260131T120000Z.tar");
        await hive.Spawn("alice", "bob");
        string State(string agent) => Path.Combine(hive.DataDir, "agents", agent, "state", "notes");
        // It fits once, and not with the archive and its trial.
        using (var holes = File.Create(State("alice")))
            holes.SetLength(DiskRoom.Of(hive.DataDir) / 10 * 6);
        await File.WriteAllTextAsync(State("bob"), "kept", TestContext.Current.CancellationToken);
        async Task<bool> IsTold()
        {
            // A restart disposes the former client.
            using var http = hive.Http(signedIn: false);
            return (await http.GetFromJsonAsync<JsonElement>("/health"))
                .GetRawText()
                .Contains("leaves out files of agents", StringComparison.Ordinal);
        }

        foreach (var time in new[] { "20260131T130000Z", "20260131T140000Z" })
        {
            hive.Clock.Advance(TimeSpan.FromHours(1));
            await Held($"hive-{time}.partial.tar", "hive-20260131T120000Z.tar");
            await Patience.Until(IsTold, "health does not tell");
        }

        using var line = await hive.Operator();
        Assert.Contains(
            "'agents/alice/state/notes' (",
            (await line.CallAsync("doctor")).GetRawText(),
            StringComparison.Ordinal
        );
        var restored = Path.Combine(hive.Folder, "restored");
        await MadeBackup.Restore(Path.Combine(folder, "hive-20260131T140000Z.partial.tar"), restored);
        Assert.Equal("kept", File.ReadAllText(Path.Combine(restored, "agents", "bob", "state", "notes")));
        await hive.Restart();
        await Patience.Until(IsTold, "health does not tell after a restart");
        File.Delete(State("alice"));
        hive.Clock.Advance(TimeSpan.FromHours(1));
        await Held("hive-20260131T150000Z.tar");
        await Patience.Until(async () => !await IsTold(), "health still tells");

        Task Held(params string[] files) =>
            Patience.Until(
                () =>
                    Task.FromResult(
                        files
                            .Order()
                            .SequenceEqual(Directory.GetFiles(folder, "*.tar").Select(f => Path.GetFileName(f)).Order())
                    ),
                $"the folder does not hold {string.Join(", ", files)} alone"
            );
    }

    [Fact]
    public async Task Files_from_the_future_are_removed_first_and_the_new_backup_stays()
    {
        var place = Directory.CreateTempSubdirectory("hive-schedule-").FullName;
        var folder = Path.Combine(place, "backups");
        // Left by a host that was killed while it made one.
        Directory.CreateDirectory(Path.Combine(folder, ".hive-schedule", ".hive-trial-1"));
        foreach (var name in (string[])["hive-29990101T000000Z.tar", "hive-29990102T000000Z.tar"])
            await File.WriteAllTextAsync(Path.Combine(folder, name), "", TestContext.Current.CancellationToken);
        await using (
            await HiveFixture.Start("--Backups:EveryHours", "6", "--Backups:Keep", "2", "--Backups:Folder", folder)
        )
        {
            await Patience.Until(
                () => Task.FromResult(!File.Exists(Path.Combine(folder, "hive-29990101T000000Z.tar"))),
                "the oldest is not removed"
            );
            Assert.Equal(
                ["hive-20260131T120000Z.tar", "hive-29990102T000000Z.tar"],
                Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order()
            );
        }

        Directory.Delete(place, recursive: true);
    }

    [Theory]
    [InlineData("data/backups")]
    [InlineData("link")]
    [InlineData("link/deep/er")]
    [InlineData("data.backups")]
    public async Task A_folder_of_backups_inside_the_data_folder_refuses_the_start(string backups)
    {
        var place = Directory.CreateTempSubdirectory("hive-schedule-").FullName;
        Directory.CreateDirectory(Path.Combine(place, "data", "backups"), HiveApp.DataMode);
        File.CreateSymbolicLink(Path.Combine(place, "inner"), "data");
        File.CreateSymbolicLink(Path.Combine(place, "link"), Path.Combine(place, "inner", "backups"));
        string[] folder = ["--backups-folder", Path.Combine(place, backups)];
        // The default is beside the data folder.
        if (backups == "data.backups")
        {
            File.CreateSymbolicLink(Path.Combine(place, backups), Path.Combine(place, "link"));
            folder = [];
        }

        var refused = await Assert.ThrowsAsync<StartupProblem>(() =>
            HiveApp.Build(["--data-dir", Path.Combine(place, "data"), "--run-dir", place + "-run", .. folder])
        );
        Assert.Contains("is inside the data folder", refused.Message, StringComparison.Ordinal);
        Directory.Delete(place, recursive: true);
    }

    private static Task Made(string folder, string name) =>
        Patience.Until(() => Task.FromResult(File.Exists(Path.Combine(folder, name))), $"{name} is not made");
}
