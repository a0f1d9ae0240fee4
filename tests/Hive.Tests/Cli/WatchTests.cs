using System.Globalization;
using System.Text.Json;
using Hive.Cli;
using Hive.Cli.Terminal;

namespace Hive.Tests.Cli;

/// <summary><c>hive watch</c> in a pipe, against prepared answers.</summary>
public sealed class WatchTests : IDisposable
{
    private static readonly DateTimeOffset Since = DateTimeOffset.UtcNow.AddDays(-9.5);
    private static readonly object Alice = Row("alice", 1);

    private readonly string folder = Directory.CreateTempSubdirectory("hive-watch-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Watch_writes_a_row_once_for_each_change_and_a_destroyed_agent_once()
    {
        object[] stream =
        [
            new { },
            // A change before the first rows were read, which they show already.
            new { agent_statuses = new[] { Alice } },
            new { agent_statuses = new[] { Row("alice", 2) } },
            new { removed = "alice" },
            new { removed = "bob" },
        ];

        var lines = await Watched(stream, "watch alice");
        Assert.Equal(3, lines.Length);
        Assert.EndsWith("alice  idle  9 d  1  0  sandbox", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("alice  idle  9 d  2  0  sandbox", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("  alice  destroyed", lines[2], StringComparison.Ordinal);
        var documents = (await Watched(stream, "watch --json")).Select(line => JsonElement.Parse(line)).ToArray();
        Assert.Equal(
            ["alice 1", "alice 2", "alice", "bob"],
            documents.Select(d =>
                d.TryGetProperty("removed", out var name)
                    ? name.GetString()
                    : $"{d.GetProperty("agent_statuses")[0].GetProperty("name")} "
                        + $"{d.GetProperty("agent_statuses")[0].GetProperty("unread")}"
            )
        );
    }

    [Fact]
    public async Task Watch_draws_no_row_of_a_destroyed_agent()
    {
        object[] stream = [new { }, new { agent_statuses = new[] { Row("bob", 0) } }, new { removed = "alice" }];

        var output = await Shown(stream, "watch", Built.Terminal(80) with { CanRedraw = true });

        var pages = output.Split("\u001b[H");
        Assert.Contains(pages, page => page.Contains("alice", StringComparison.Ordinal));
        Assert.DoesNotContain("alice", pages[^1], StringComparison.Ordinal);
        Assert.Contains("bob", pages[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_while_watch_waits_for_changes_is_told_as_it_is()
    {
        // The connection stays open, and no change comes.
        await using var host = new FakeHost(
            Path.Combine(folder, "run"),
            (cmd, _) => cmd == "agent_status" ? new { agent_statuses = Array.Empty<object>() } : new { }
        );
        using var output = new FullTerminal();
        using var error = new StringWriter { NewLine = "\n" };

        var code = await CommandLine.RunAsync(
            ["watch", "--run-dir", Path.Combine(folder, "run")],
            new Display(output, error, 80, 24, false) { CanRedraw = true }
        );

        Assert.Equal((1, "hive: the terminal takes no page\n"), (code, error.ToString()));
        Assert.EndsWith("\u001b[?1049l", output.ToString(), StringComparison.Ordinal);
    }

    private async Task<string[]> Watched(object[] stream, string verb) =>
        (await Shown(stream, verb, Built.Terminal(null))).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private async Task<string> Shown(object[] stream, string verb, Display display)
    {
        var run = Path.Combine(folder, Guid.NewGuid().ToString("N")[..8]);
        var asked = 0;
        await using var host = new FakeHost(
            run,
            // Alice is gone when all rows are read again.
            (cmd, _) =>
                cmd == "agent_status"
                    ? new { agent_statuses = asked++ == 0 ? new[] { Alice } : [Row("bob", 0)] }
                    : stream
        );
        var outcome = await Built.HiveOnAsync(display, [.. verb.Split(' '), "--run-dir", run]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        return outcome.Output;
    }

    private static object Row(string name, int unread) =>
        new
        {
            name,
            role = "agent",
            runtime = "sandbox",
            unread,
            pending_reminders = 0,
            activity = new { state = "idle", since_at = Since },
        };

    private sealed class FullTerminal() : StringWriter(CultureInfo.InvariantCulture)
    {
        public override Task WriteAsync(string? value) =>
            value?.StartsWith("\u001b[H", StringComparison.Ordinal) == true
                ? Task.FromException(new IOException("the terminal takes no page"))
                : base.WriteAsync(value);
    }
}
