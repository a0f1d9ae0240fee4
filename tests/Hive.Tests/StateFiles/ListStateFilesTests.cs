using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Features.StateFiles;
using Hive.Tests.Fixture;

namespace Hive.Tests.StateFiles;

public sealed class ListStateFilesTests : IDisposable
{
    private const string Root = "/agents/alice/state";

    private readonly StateTree tree = new();

    public void Dispose() => tree.Dispose();

    [Fact]
    public async Task The_operator_lists_one_folder_with_sizes_and_times()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var state = Path.Combine(hive.DataDir, "agents/alice/state");
        Directory.CreateDirectory(Path.Combine(state, "notes/2026"));
        await File.WriteAllTextAsync(Path.Combine(state, "b.md"), "größe");
        await File.WriteAllTextAsync(Path.Combine(state, "a b%2e.md"), "");
        await File.WriteAllTextAsync(Path.Combine(state, "notes/plan.md"), "plan");
        var then = new DateTime(2026, 1, 31, 12, 0, 7, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(Path.Combine(state, "b.md"), then);
        await File.WriteAllTextAsync(Path.Combine(hive.DataDir, "agents/bob/state/secret.md"), "of bob");
        var http = hive.Http();

        var all = await http.GetFromJsonAsync<JsonElement>("/api/agents/alice/files");
        Assert.Equal($"{Root}/", all.GetProperty("path").GetString());
        Assert.False(all.GetProperty("more").GetBoolean());
        Assert.Equal([("notes", true, null), ("a b%2e.md", false, 0), ("b.md", false, 7)], Entries(all));
        Assert.Equal(then, all.GetProperty("entries")[2].GetProperty("modified_at").GetDateTime());

        foreach (var path in (string[])["notes", "notes/"])
        {
            var notes = await http.GetFromJsonAsync<JsonElement>($"/api/agents/alice/files?path={path}");
            Assert.Equal($"{Root}/notes/", notes.GetProperty("path").GetString());
            Assert.Equal([("2026", true, null), ("plan.md", false, 4)], Entries(notes));
        }
    }

    [Fact]
    public async Task Every_folder_that_may_not_be_listed_is_refused_alike()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var state = Path.Combine(hive.DataDir, "agents/alice/state");
        Directory.CreateDirectory(Path.Combine(state, ".git"));
        Directory.CreateDirectory(Path.Combine(state, "real"));
        await File.WriteAllTextAsync(Path.Combine(state, "file"), "x");
        File.CreateSymbolicLink(Path.Combine(state, "link"), "real");
        File.CreateSymbolicLink(Path.Combine(state, "up"), "../../bob/state");

        string[] refused =
        [
            "link",
            "up",
            "up/..",
            "..",
            "../../bob/state",
            "..%2f..%2fbob%2fstate",
            "real/..",
            "real//x",
            ".",
            ".git",
            "/etc",
            $"{state}/real",
            "file",
            "missing",
            "a%0ab",
            new string('a', 4000),
        ];
        HashSet<string> answers = [];
        foreach (var path in refused)
        {
            using var answer = await hive.Http().GetAsync($"/api/agents/alice/files?path={path}");
            Assert.Equal((path, HttpStatusCode.NotFound), (path, answer.StatusCode));
            answers.Add(await answer.Content.ReadAsStringAsync());
        }

        Assert.Contains("folder not found", Assert.Single(answers), StringComparison.Ordinal);
        using var zero = await hive.Http().GetAsync("/api/agents/alice/files?path=%00");
        Assert.Equal(HttpStatusCode.BadRequest, zero.StatusCode);
        using var nobody = await hive.Http().GetAsync("/api/agents/nobody/files");
        Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
        using var stranger = await hive.Http(signedIn: false).GetAsync("/api/agents/alice/files");
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_is_listed_exactly_when_it_can_be_read(bool walk)
    {
        string[] shown =
        [
            "plain.md",
            "a b%2e.md",
            "<img src=x onerror=alert(1)>",
            "\"quoted\" 'and' `more`",
            "back\\slash",
            "new\nline",
            "bell\a and \u001b[2J",
            "gnp.\u202eexe",
            "漢字 مرحبا 🎉",
            "-rf",
            "~",
            "*",
            new string('n', 255),
        ];
        foreach (var name in shown)
            tree.Write($"{Root}/{name}");
        string[] hidden =
        [
            "forge-token",
            "Forge-Token",
            ".git/config",
            "sub/.GIT/config",
            "db.sqlite",
            "x.SQLITE-wal",
            "dir.sqlite/a",
        ];
        foreach (var name in hidden)
            tree.Write($"{Root}/{name}");
        tree.Write($"{Root}/twin");
        tree.HardLink(tree.On($"{Root}/twin"), $"{Root}/twin-2");
        tree.Fifo($"{Root}/pipe");
        tree.Device($"{Root}/device");
        tree.Link($"{Root}/link", "plain.md");
        tree.Link($"{Root}/folder-link", "sub");
        tree.Link($"{Root}/out", tree.Outside);
        tree.Link($"{Root}/dangling", "nowhere");
        // Bytes that are not UTF-8, and a file that has the name as which they are read.
        Shell("printf x > \"$(printf 'bad\\377')\"; printf x > \"$(printf 'worse\\377')\"");
        tree.Write($"{Root}/worse\ufffd");

        var (entries, more) = Reader(walk).Read(Root, "", ListStateFiles.MaxEntries)!.Value;
        Assert.False(more);
        Assert.Equal(["sub"], entries.Where(e => e.Folder).Select(e => e.Name));
        var files = entries.Where(e => !e.Folder).Select(e => e.Name).ToArray();
        Assert.Equal(shown.Append("worse\ufffd").Order(StringComparer.Ordinal), files);
        foreach (var name in files)
            Assert.Equal("inside", (await tree.Read($"{Root}/{name}", walk)).Content);
        Assert.Empty(Reader(walk).Read(Root, "sub", ListStateFiles.MaxEntries)!.Value.Entries);
        foreach (var name in (string[])["folder-link", "out", ".git", "dir.sqlite", "plain.md", "../../bob/state"])
            Assert.Null(Reader(walk).Read(Root, name, ListStateFiles.MaxEntries));
        // .NET cannot delete names that are not UTF-8.
        Shell("rm -- bad* worse*");
    }

    [Fact]
    public void A_folder_of_any_size_is_listed_up_to_the_limits()
    {
        Shell("i=0; while [ $i -lt 501 ]; do : > f$i; i=$((i+1)); done; mkdir big; ln -s x big/link");
        var reader = Reader(walk: false);
        Assert.Equal((500, true), Sums(reader, ""));
        Shell("rm f500");
        Assert.Equal((500, true), Sums(reader, ""));
        Shell("rm f499");
        Assert.Equal((500, false), Sums(reader, ""));

        // Names that are never shown count as names that were examined.
        for (var i = 0; i < StateFolderReader.MaxNames; i++)
            tree.Link($"{Root}/big/{i}", "x");
        Assert.Equal((0, true), Sums(reader, "big"));

        // Deeper than any file that can be read.
        var deep = string.Join('/', Enumerable.Repeat("d", StateFilePath.MaxComponents));
        tree.Write($"{Root}/{deep}/file");
        Assert.Empty(reader.Read(Root, deep, 500)!.Value.Entries);
        Assert.Null(reader.Read(Root, $"{deep}/d", 500));
    }

    [Fact]
    public void A_time_of_any_year_is_listed()
    {
        tree.Write($"{Root}/old");
        tree.Write($"{Root}/new");
        Shell("touch -d 1960-05-05 old; touch -d 2300-05-05 new");
        var times = Reader(walk: false).Read(Root, "", 500)!.Value.Entries.Select(e => e.ModifiedAt.Year);
        Assert.Equal([2300, 1960], times);
    }

    private static (int Count, bool More) Sums(StateFolderReader reader, string below)
    {
        var (entries, more) = reader.Read(Root, below, ListStateFiles.MaxEntries)!.Value;
        return (entries.Count, more);
    }

    private static IEnumerable<(string, bool, long?)> Entries(JsonElement listing) =>
        listing
            .GetProperty("entries")
            .EnumerateArray()
            .Select(e =>
                (
                    e.GetProperty("name").GetString()!,
                    e.GetProperty("folder").GetBoolean(),
                    e.TryGetProperty("size", out var size) ? size.GetInt64() : (long?)null
                )
            );

    private StateFolderReader Reader(bool walk) => new(tree.Opener(walk));

    private void Shell(string script)
    {
        using var shell = Process.Start(
            new ProcessStartInfo("/bin/sh")
            {
                ArgumentList = { "-ec", script },
                WorkingDirectory = tree.On(Root),
                Environment = { ["PATH"] = "/usr/bin:/bin", ["LC_ALL"] = "C" },
            }
        )!;
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }
}
