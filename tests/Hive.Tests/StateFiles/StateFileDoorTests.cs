using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Tests.StateFiles;

public sealed class StateFileDoorTests
{
    [Fact]
    public async Task The_operator_reads_state_files_and_all_refusals_are_the_same()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var state = Path.Combine(hive.DataDir, "agents/alice/state");
        Directory.CreateDirectory(Path.Combine(state, "folder"));
        await File.WriteAllTextAsync(Path.Combine(state, "a b%2e.md"), "100 % \0 zero");
        File.CreateSymbolicLink(Path.Combine(state, "out"), "/etc/passwd");
        var http = hive.Http();

        foreach (var path in (string[])["/agents/alice/state/a b%2e.md", $"{state}/a b%2e.md"])
        {
            var file = await http.GetFromJsonAsync<JsonElement>($"/api/state-file?path={Uri.EscapeDataString(path)}");
            Assert.Equal(path, file.GetProperty("path").GetString());
            Assert.Equal(
                (12, false),
                (file.GetProperty("size").GetInt64(), file.GetProperty("truncated").GetBoolean())
            );
            Assert.Equal("100 % \0 zero", file.GetProperty("content").GetString());
        }

        string[] refused =
        [
            "",
            "%00",
            "/etc/passwd",
            "/etc/does-not-exist",
            $"{hive.DataDir}/access-token",
            $"{hive.DataDir}/hive.sqlite",
            "/agents/alice/state/out",
            "/agents/alice/state/folder",
            "/agents/alice/state/missing",
            "/agents/nobody/state/a.md",
            "/agents/alice/state/%2e%2e/home/x",
            "/agents/alice/state/%252e%252e/home/x",
            "/agents/alice/state/..%2f..%2f..%2faccess-token",
            "%2fagents%2falice%2fstate%2f..%2f..%2f..%2f..%2fdata%2faccess-token",
            "/agents/alice/state/a%20b%252e.md%00",
            "/agents/alice/state/%ff",
            "/agents/alice/state/%c0%ae%c0%ae/x",
            "/agents/alice/state/..%5c..%5caccess-token",
            "/agents/alice/state/a%0ab",
            "/shared/" + new string('a', 4000),
        ];
        var answers = new HashSet<string>();
        foreach (var path in refused)
        {
            using var response = await http.GetAsync($"/api/state-file?path={path}");
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            answers.Add(await response.Content.ReadAsStringAsync());
        }

        var problem = JsonElement.Parse(Assert.Single(answers));
        Assert.Equal("not_found", problem.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Reading_a_state_file_requires_a_login()
    {
        await using var hive = await HiveFixture.Start();
        using var response = await hive.Http(signedIn: false).GetAsync("/api/state-file?path=/shared/x");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task A_message_that_names_a_state_file_has_it_as_a_reference()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var state = Directory.CreateDirectory(Path.Combine(hive.DataDir, "agents/alice/state")).FullName;
        await File.WriteAllTextAsync(Path.Combine(state, "report.md"), "done");
        var events = await hive.Events();
        var alice = await hive.Connect("alice");
        await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = $"see {state}/report.md, (/agents/alice/state/report.md) and {hive.DataDir}/access-token "
                    + "or /etc/passwd.",
            }
        );
        var refs = (await events.Next("sent")).GetProperty("message").GetProperty("file_refs");
        Assert.Equal(
            [$"{state}/report.md", "/agents/alice/state/report.md"],
            refs.EnumerateArray().Select(r => r.GetString())
        );
        var received = (await (await hive.Connect("bob")).CallAsync("recv")).GetProperty("messages")[0];
        Assert.Equal(2, received.GetProperty("file_refs").GetArrayLength());
    }
}
