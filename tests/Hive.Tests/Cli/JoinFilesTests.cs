using System.Diagnostics;
using System.Text.Json;
using Hive.Cli.Join;

namespace Hive.Tests.Cli;

/// <summary>Tests what <c>hive join</c> adds to a client's configuration and removes again.</summary>
public sealed class JoinFilesTests(RunningHive hive) : IClassFixture<RunningHive>, IDisposable
{
    private const string Mcp = """
        {
            // Somebody's own.
            "mcpServers": {
                "other": { "command": "other" } // the first
            },
        }
        """;

    private const string Settings = """
        {
          "permissions": { "allow": ["Bash(ls:*)"], "deny": [] },
          "hooks": {
            "Stop": [ { "hooks": [ { "type": "command", "command": "say done" } ] } ]
          }
        }

        """;

    private const string Toml = """"
        model = "gpt" # which
        notes = """
        [mcp_servers.hive-wilma]
        looks like a table here"""

        [mcp_servers.other]
        command = 'other'
        # The last line.

        """";

    private readonly string project = Directory.CreateTempSubdirectory("hive-join-").FullName;

    public void Dispose() => Directory.Delete(project, recursive: true);

    [Theory]
    [InlineData("--claude", ".mcp.json", Mcp, ".claude/settings.local.json", Settings)]
    [InlineData("--codex", ".codex/config.toml", Toml, null, null)]
    [InlineData("--opencode", "opencode.jsonc", """{"mcp": {}, "theme": "dark" /* best */}""", null, null)]
    public async Task Two_agents_are_added_to_existing_settings_and_removed_without_a_trace(
        string client,
        string file,
        string text,
        string? second,
        string? secondText
    )
    {
        Write(file, text);
        if (second is not null)
            Write(second, secondText!);
        var shown = await Join("wilma", client, "--yes");
        Assert.Contains($"--- {Path.Combine(project, file)}\n", shown.Output, StringComparison.Ordinal);
        Assert.Contains("\n+", shown.Output, StringComparison.Ordinal);
        Assert.Contains("wilma exists", shown.Output, StringComparison.Ordinal);
        await Join("xena", client, "--yes");
        Assert.Contains("hive-wilma", Read(file), StringComparison.Ordinal);
        Assert.Contains("hive-xena", Read(file), StringComparison.Ordinal);
        Assert.DoesNotContain("@@", (await Join("xena", client)).Output, StringComparison.Ordinal);

        await Join("wilma", client, "--remove", "--yes");
        Assert.DoesNotContain(
            "agents/wilma/",
            Read(file) + (second is null ? "" : Read(second)),
            StringComparison.Ordinal
        );
        Assert.Contains("hive-xena", Read(file), StringComparison.Ordinal);
        await Join("xena", client, "--remove", "--yes");
        Assert.Equal(client == "--opencode" ? """{ "theme": "dark" /* best */}""" : text, Read(file));
        if (second is not null)
            Assert.Equal(secondText, Read(second));
    }

    [Theory]
    [InlineData("--claude")]
    [InlineData("--codex")]
    [InlineData("--opencode")]
    public async Task Files_that_join_created_are_deleted_when_they_become_empty(string client)
    {
        var joined = JsonElement.Parse((await Join("yara", client, "--yes", "--json")).Output);
        Assert.Equal("hive-yara", joined.GetProperty("server").GetString());
        var changed = joined.GetProperty("changed").EnumerateArray().ToArray();
        Assert.All(changed, change => Assert.True(File.Exists(change.GetProperty("path").GetString())));
        Assert.All(
            changed,
            change =>
                Assert.StartsWith(
                    "--- /dev/null\n+++ /",
                    change.GetProperty("diff").GetString(),
                    StringComparison.Ordinal
                )
        );
        var removed = JsonElement.Parse((await Join("yara", client, "--remove", "--yes", "--json")).Output);
        Assert.Equal(changed.Length, removed.GetProperty("changed").GetArrayLength());
        Assert.Empty(Directory.EnumerateFileSystemEntries(project));
    }

    [Theory]
    [InlineData("--claude", ".notes")]
    [InlineData("--claude", ".claude")]
    [InlineData("--codex", ".codex")]
    [InlineData("--opencode", ".notes")]
    public async Task The_projects_folder_is_kept_whatever_its_name(string client, string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(project, name)).FullName;
        foreach (
            var verb in (string[][])
                [
                    ["--yes"],
                    ["--remove", "--yes"],
                ]
        )
            Assert.Equal(0, (await hive.RunAsync(["join", "yves", client, .. verb, "--project", folder])).ExitCode);
        Assert.True(Directory.Exists(folder));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public async Task Without_a_terminal_the_change_is_shown_and_needs_yes()
    {
        var refused = await Refused("nobody-yet", "--claude");
        Assert.Contains("+++ ", refused.Output, StringComparison.Ordinal);
        Assert.Contains("--yes", refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(project));
        Assert.DoesNotContain("nobody-yet", (await hive.RunAsync("list")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n", false)]
    [InlineData("y", true)]
    public async Task Join_asks_on_a_terminal(string answer, bool writes)
    {
        var command = string.Join(
            ' ',
            (string[])[Built.Command, "join", "zoe", "--codex", "--project", project, "--run-dir", hive.RunDir]
        );
        // script(1) provides a terminal.
        using var terminal = Built.Start("script", ["--quiet", "--return", "--command", command, "/dev/null"]);
        await terminal.StandardInput.WriteAsync($"{answer}\n");
        await terminal.StandardInput.FlushAsync();
        var output = await terminal.StandardOutput.ReadToEndAsync();
        await terminal.WaitForExitAsync();
        Assert.Contains("Write this? [y/N]", output, StringComparison.Ordinal);
        Assert.Equal(writes ? 0 : 1, terminal.ExitCode);
        Assert.Equal(writes, File.Exists(Path.Combine(project, ".codex/config.toml")));
    }

    [Theory]
    [InlineData("--claude", ".claude/settings.local.json", "{ \"permissions\": { \"allow\": \"all\" } }")]
    [InlineData("--codex", ".codex/config.toml", "model = \"gpt")]
    [InlineData("--opencode", "opencode.json", "mcp: {}")]
    public async Task A_file_that_cannot_be_edited_is_named_and_not_changed(string client, string file, string text)
    {
        Write(file, text);
        var refused = await Refused("nobody", client, "--yes");
        Assert.Contains(Path.Combine(project, file), refused.Error, StringComparison.Ordinal);
        Assert.Contains("--print", refused.Error, StringComparison.Ordinal);
        Assert.Equal(text, Read(file));
        Assert.Single(Directory.EnumerateFiles(project, "*", SearchOption.AllDirectories));
        Assert.DoesNotContain("nobody", (await hive.RunAsync("list")).Lines);
    }

    [Fact]
    public async Task Flags_that_exclude_each_other_are_a_usage_error()
    {
        Assert.Equal(2, (await hive.RunAsync("join", "zed", "--claude", "--codex")).ExitCode);
        Assert.Equal(2, (await hive.RunAsync("join", "zed", "--remove")).ExitCode);
        Assert.Equal(
            2,
            (await hive.RunAsync("join", "zed", "--claude", "--project", Path.Combine(project, "none"))).ExitCode
        );
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"a\":1}")]
    [InlineData("{ \"a\": [ ] }\n")]
    [InlineData("{\n\t\"a\": {\n\t\t\"b\": 1, // one\n\t\t\"c\": 2 /* , */\n\t}\n}\n")]
    [InlineData("{\r\n  \"a\": {\r\n    \"b\": 1,\r\n  },\r\n}\r\n")]
    [InlineData("\ufeff{\n  // only a comment\n  \"a\": { /* none, */ }\n}")]
    [InlineData("{\"ä\": \"\\u00e4 // no comment, \\\" {\", \"a\": null}")]
    public void A_member_that_is_set_and_removed_leaves_the_text_as_it_was(string text)
    {
        var file = JsonFile.Parse(text);
        file.Set("text", "new", "deep", "member");
        file.Add("item", "list");
        file.Add("item", "list");
        file.Set(2, "last");
        var changed = JsonFile.Parse(file.Text);
        Assert.Equal("text", changed.Get("new", "deep", "member")!.GetValue<string>());
        Assert.Single(changed.Get("list")!.AsArray());
        changed.Remove("new", "deep", "member");
        changed.RemoveItems(item => item!.GetValue<string>() == "item", "list");
        changed.Remove("last");
        Assert.Equal(text == "{}" ? "" : text, changed.Text);
    }

    [Theory]
    [InlineData("{ \"mcpServers\": ")]
    [InlineData("[]")]
    [InlineData("{} {}")]
    [InlineData("{ \"hooks\": [] }")]
    [InlineData("{ \"hooks\": { \"Stop\": {} } }")]
    public void JSON_that_cannot_be_edited_is_refused(string text) =>
        Assert.Throws<FormatException>(() => JsonFile.Parse(text).Add("item", "hooks", "Stop"));

    [Theory]
    [InlineData("model = gpt")]
    [InlineData("model = \"gpt")]
    [InlineData("model = 'gpt' 'more'")]
    [InlineData("notes = \"\"\"\nnever ends")]
    [InlineData("list = [1, 2")]
    [InlineData("[mcp_servers")]
    [InlineData("no value")]
    [InlineData("mcp_servers = {}")]
    [InlineData("[mcp_servers]\nhive-nobody = { command = \"x\" }")]
    [InlineData("mcp_servers.hive-nobody.command = \"x\"")]
    public void TOML_that_cannot_be_edited_is_refused(string text) =>
        Assert.Throws<FormatException>(() =>
            TomlFile.Parse(text).With(["mcp_servers", "hive-nobody"], "[mcp_servers.hive-nobody]\n")
        );

    [Theory]
    [InlineData("")]
    [InlineData("a.b = 1 # one\n\"c d\" = [ 'x', # first\n  { y = 1.5e3, z = \"#\" },\n]\n")]
    [InlineData(
        "at = 1979-05-27 07:32:00Z\nt = 07:32:00\nn = -inf\nh = 0xdead_beef\n"
            + "[[list]]\nx = '''\n[mcp_servers.hive-nobody]\n''''\n"
    )]
    [InlineData("[mcp_servers.other]\nenabled = true\n\n# The end.\n")]
    [InlineData("[a]\r\nb = \"\\\"]\"\r\n")]
    public void A_table_that_is_set_and_removed_leaves_the_text_as_it_was(string text)
    {
        const string Table = "[mcp_servers.hive-nobody]\ncommand = ";
        string[] path = ["mcp_servers", "hive-nobody"];
        var written = TomlFile.Parse(text).With(path, $"{Table}\"a\"\n").With(path, $"{Table}\"b\"\n").Text;
        Assert.EndsWith($"{Table}\"b\"\n", written, StringComparison.Ordinal);
        Assert.Equal(text, TomlFile.Parse($"{written}[mcp_servers.hive-nobody.env]\nX = \"1\"\n").Without(path).Text);
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(project, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(project, file));

    private async Task<Outcome> Join(params string[] arguments)
    {
        var outcome = await hive.RunAsync(["join", .. arguments, "--project", project]);
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return outcome;
    }

    private async Task<Outcome> Refused(params string[] arguments)
    {
        var outcome = await hive.RunAsync(["join", .. arguments, "--project", project]);
        Assert.True(outcome.ExitCode == 1, outcome.ToString());
        return outcome;
    }
}
