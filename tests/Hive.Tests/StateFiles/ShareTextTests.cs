using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.StateFiles;

public sealed class ShareTextTests
{
    [Fact]
    public async Task A_long_text_becomes_a_shared_file_that_a_message_can_name()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var text = string.Concat(Enumerable.Repeat("größer als eine Nachricht 🎉\n", 4000));

        var file = await Share(hive, new { text });
        var path = file.GetProperty("path").GetString()!;
        Assert.Matches("^/shared/operator-[0-9a-f]{12}\\.md$", path);
        Assert.Equal(132_000, file.GetProperty("size").GetInt64());
        var onHost = Path.Combine(hive.DataDir, path[1..]);
        Assert.Equal(text, await File.ReadAllTextAsync(onHost));
        // Agents can run as other users.
        Assert.True(File.GetUnixFileMode(onHost).HasFlag(UnixFileMode.OtherRead));

        // A repeated call leaves one file, whole again.
        await File.WriteAllTextAsync(onHost, "changed");
        Assert.Equal(path, (await Share(hive, new { text })).GetProperty("path").GetString());
        Assert.Equal(text, await File.ReadAllTextAsync(onHost));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(onHost)!));

        var alice = await hive.Connect("alice");
        await (await hive.Operator()).Send("alice", $"Read this.\n\nFile: {path}");
        var received = (await alice.CallAsync("recv")).GetProperty("messages")[0];
        Assert.Equal([path], received.GetProperty("file_refs").EnumerateArray().Select(r => r.GetString()));
    }

    [Fact]
    public async Task The_path_is_the_one_that_its_reader_opens()
    {
        await using var hive = await HiveFixture.Start();
        foreach (var to in (string?[])[null, "operator"])
            Assert.StartsWith("/shared/", await PathFor(hive, to), StringComparison.Ordinal);

        // Without a container there is no /shared.
        await hive.Spawn("alice");
        var runtime = (await (await hive.Operator()).CallAsync("agent_status"))
            .GetProperty("agent_statuses")[0]
            .GetProperty("runtime")
            .GetString();
        Assert.Equal("external", runtime);
        foreach (var to in (string[])["alice", "*"])
            Assert.StartsWith($"{hive.DataDir}/shared/", await PathFor(hive, to), StringComparison.Ordinal);
        using var nobody = await hive.Http().PostAsJsonAsync("/api/shared-files", new { text = "x", to = "alicia" });
        Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
        Assert.Contains("alice", await nobody.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_that_cannot_be_shared_is_refused_and_writes_nothing()
    {
        await using var hive = await HiveFixture.Start();
        (object Body, HttpStatusCode Status, string Said)[] refused =
        [
            (new { text = " \n" }, HttpStatusCode.BadRequest, "'text' is empty"),
            (new { }, HttpStatusCode.BadRequest, "missing fields: text"),
            (new { text = "a\0b" }, HttpStatusCode.BadRequest, "'text' contains a NUL"),
            (
                new { text = new string('x', (512 * 1024) + 1) },
                HttpStatusCode.RequestEntityTooLarge,
                "the limit is 524288"
            ),
        ];
        foreach (var (body, status, said) in refused)
        {
            using var answer = await hive.Http().PostAsJsonAsync("/api/shared-files", body);
            Assert.Equal((said, status), (said, answer.StatusCode));
            Assert.Contains(said, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using var stranger = await hive.Http(signedIn: false).PostAsJsonAsync("/api/shared-files", new { text = "x" });
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        var shared = Path.Combine(hive.DataDir, "shared");
        Assert.False(Directory.Exists(shared) && Directory.EnumerateFileSystemEntries(shared).Any());
    }

    [Fact]
    public async Task A_link_in_the_place_of_the_file_is_not_followed()
    {
        await using var hive = await HiveFixture.Start();
        var path = await PathFor(hive, null);
        var onHost = Path.Combine(hive.DataDir, path[1..]);
        var elsewhere = Path.Combine(hive.DataDir, "elsewhere");
        await File.WriteAllTextAsync(elsewhere, "kept");
        File.Delete(onHost);
        File.CreateSymbolicLink(onHost, elsewhere);

        using var answer = await hive.Http().PostAsJsonAsync("/api/shared-files", new { text = "a text" });
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("not a regular file", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("kept", await File.ReadAllTextAsync(elsewhere));
    }

    private static async Task<string> PathFor(HiveFixture hive, string? to) =>
        (await Share(hive, new { text = "a text", to })).GetProperty("path").GetString()!;

    private static async Task<JsonElement> Share(HiveFixture hive, object body)
    {
        using var answer = await hive.Http().PostAsJsonAsync("/api/shared-files", body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
