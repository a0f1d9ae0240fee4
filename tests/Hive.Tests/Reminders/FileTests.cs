using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Reminders;

/// <summary>Tests reminders whose text is written to a file.</summary>
public sealed class FileTests
{
    [Fact]
    public async Task A_text_over_the_limit_is_written_to_a_file_that_the_message_names()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var text = string.Concat(Enumerable.Repeat("wörtlich 🐝 ", 1000));
        var id = await alice.Remind(text, 5);
        var message = Assert.Single(await hive.Await(alice));
        var path = Path.Combine(hive.StateOf("alice"), "reminders", $"auto-20260131120005-{id}.md");
        Assert.Equal($"Your reminder is in {path} ({Encoding.UTF8.GetByteCount(text)} bytes).", message.Body);
        Assert.Equal([path], message.FileRefs);
        Assert.Equal(text, await File.ReadAllTextAsync(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task The_limit_counts_bytes_and_a_text_at_the_limit_stays_in_the_message()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var text = new string('ä', Limits.BodyBytes / 2);
        await alice.Remind(text);
        Assert.Equal(text, Assert.Single(await hive.Await(alice)).Body);
        Assert.False(Directory.Exists(Path.Combine(hive.StateOf("alice"), "reminders")));
        await alice.Remind(text + "a");
        Assert.Contains("/reminders/auto-", Assert.Single(await hive.Await(alice)).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/agents/alice/state/notes/deep/today.md")]
    [InlineData("{data}/agents/alice/state/today.md")]
    public async Task A_named_file_is_overwritten_with_the_text(string form)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var path = form.Replace("{data}", hive.DataDir, StringComparison.Ordinal);
        await alice.Remind("the longer first text", 5, path);
        Assert.Equal(path, Assert.Single(await hive.Reminders()).FilePath);
        Assert.Equal($"Your reminder is in {path} (21 bytes).", Assert.Single(await hive.Await(alice)).Body);
        await alice.Remind("short", 5, path);
        Assert.Equal([path], Assert.Single(await hive.Reminders()).FileRefs);
        Assert.Equal([path], Assert.Single(await hive.Await(alice)).FileRefs);
        Assert.Equal(
            "short",
            await File.ReadAllTextAsync(
                Path.Combine(hive.StateOf("alice"), path[(path.IndexOf("/state/", StringComparison.Ordinal) + 7)..])
            )
        );
    }

    [Theory]
    [InlineData("my notes.md")]
    [InlineData("a,b (1)[2].md")]
    [InlineData("über «alles»/`x`.md")]
    [InlineData("ends with a dot.")]
    public async Task A_file_is_referenced_even_if_its_name_would_end_a_path_in_a_text(string name)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await File.WriteAllTextAsync(
            Path.Combine(hive.StateOf("alice"), "my"),
            "another file that the text seems to name"
        );
        var path = $"/agents/alice/state/{name}";
        await alice.Remind("the text", 5, path);
        var message = Assert.Single(await hive.Await(alice));
        Assert.Equal($"Your reminder is in {path} (8 bytes).", message.Body);
        Assert.Equal(path, message.FileRefs[0]);
        Assert.Equal(message.FileRefs.Distinct(), message.FileRefs);
        Assert.Equal(
            "the text",
            (await hive.Http().GetFromJsonAsync<JsonElement>($"/api/state-file?path={Uri.EscapeDataString(path)}"))
                .GetProperty("content")
                .GetString()
        );
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("notes.md")]
    [InlineData("/state/notes.md")]
    [InlineData("/agents/alice/state")]
    [InlineData("/agents/alice/state/")]
    [InlineData("/agents/alice/state/../../bob/state/x.md")]
    [InlineData("/agents/alice/state/a/../x.md")]
    [InlineData("/agents/alice/state/./x.md")]
    [InlineData("/agents/alice/state//x.md")]
    [InlineData("/agents/alice/home/x.md")]
    [InlineData("/agents/bob/state/x.md")]
    [InlineData("/shared/x.md")]
    [InlineData("/agents/alice/state/forge-token")]
    [InlineData("/agents/alice/state/.git/config")]
    [InlineData("/agents/alice/state/x.sqlite")]
    [InlineData("/agents/alice/state/folder")]
    [InlineData("/agents/alice/state/fifo")]
    [InlineData("/agents/alice/state/link.md")]
    [InlineData("/agents/alice/state/inner-link.md")]
    [InlineData("/agents/alice/state/linked/x.md")]
    [InlineData("/agents/alice/state/file.md/x.md")]
    [InlineData("/agents/alice/state/twice.md")]
    public async Task Refuses_paths_that_are_not_plain_files_in_the_agents_state_folder(string path)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var state = hive.StateOf("alice");
        var outside = Directory.CreateDirectory(Path.Combine(hive.Folder, "outside")).FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "target.md"), "kept");
        await File.WriteAllTextAsync(Path.Combine(state, "file.md"), "kept");
        Directory.CreateDirectory(Path.Combine(state, "folder"));
        Fifo(Path.Combine(state, "fifo"));
        File.CreateSymbolicLink(Path.Combine(state, "link.md"), Path.Combine(outside, "target.md"));
        File.CreateSymbolicLink(Path.Combine(state, "inner-link.md"), "file.md");
        File.CreateSymbolicLink(Path.Combine(state, "linked"), outside);
        await HardLink(Path.Combine(outside, "target.md"), Path.Combine(state, "twice.md"));
        var alice = await hive.Connect("alice");
        var cursor = await hive.Cursor();
        var refused = await Talk.Refused(() => alice.Remind("x", 5, path), "invalid");
        Assert.Contains("'file_path'", refused.Message, StringComparison.Ordinal);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
        Assert.Empty(await hive.Reminders());
        Assert.Empty(await hive.ReminderEvents(cursor));
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(outside, "target.md")));
        Assert.Equal(["target.md"], Directory.EnumerateFileSystemEntries(outside).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Refuses_paths_that_are_invalid_text_or_too_long()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        Assert.Contains(
            "'file_path' contains a NUL",
            (await Talk.Refused(() => alice.Remind("x", 5, "/agents/alice/state/a\0b"), "invalid")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => alice.Remind("x", 5, $"/agents/alice/state/{new string('x', 256)}"), "invalid");
        await Talk.Refused(() => alice.Remind("x", 5, $"/agents/alice/state/{new string('x', 5000)}"), "too_large");
        await Talk.Refused(() => alice.Remind("x", 5, ""), "invalid");
        Assert.Empty(await hive.Reminders());
    }

    [Fact]
    public async Task A_path_that_became_a_link_is_not_followed_and_the_text_is_in_the_message()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.Remind("the text", 5, "/agents/alice/state/sub/x.md");
        var outside = Directory.CreateDirectory(Path.Combine(hive.Folder, "outside")).FullName;
        File.CreateSymbolicLink(Path.Combine(hive.StateOf("alice"), "sub"), outside);
        var body = Assert.Single(await hive.Await(alice)).Body;
        Assert.StartsWith("the text\n\n[cannot write '/agents/alice/state/sub/x.md'", body, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(outside));
        Assert.Empty(await hive.Reminders());
    }

    [Fact]
    public async Task A_long_text_whose_path_became_invalid_is_a_failed_attempt()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var events = await hive.Events();
        var text = new string('x', 5000);
        await alice.Remind(text, 5, "/agents/alice/state/x.md");
        await events.Next("reminder_changed");
        Directory.CreateDirectory(Path.Combine(hive.StateOf("alice"), "x.md"));
        hive.Clock.Advance(TimeSpan.FromSeconds(5));
        var failed = (await events.Next("reminder_changed"))
            .GetProperty("reminder")
            .Deserialize<ReminderView>(WireJson.Options)!;
        Assert.Equal(1, failed.AttemptCount);
        Assert.Contains("not a regular file", failed.LastError, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(hive.StateOf("alice"), "x.md"));
        Assert.Contains(
            "/agents/alice/state/x.md (5000 bytes)",
            (await hive.AwaitLong(alice)).Body,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_line_over_64_KiB_is_refused_and_sets_no_reminder()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await Assert.ThrowsAnyAsync<Exception>(() => alice.Remind(new string('x', Limits.LineBytes)));
        Assert.Empty(await hive.Reminders());
    }

    private static void Fifo(string path) => Run("mkfifo", path).GetAwaiter().GetResult();

    private static Task HardLink(string target, string path) => Run("ln", target, path);

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
