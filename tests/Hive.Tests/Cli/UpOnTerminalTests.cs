using System.Text.RegularExpressions;
using Hive.Host;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Cli;

/// <summary>The output of a start on a terminal.</summary>
public sealed class UpOnTerminalTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-up-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task The_link_is_alone_on_its_line_between_empty_lines()
    {
        var flags = $"--data-dir {folder}/data --run-dir {folder}/run --urls http://127.0.0.1:0 --runtime external";
        // Ctrl-C must work also where these tests ignore it.
        var command = $"exec env --default-signal=INT {Built.Command} up {flags}";
        using var up = Built.Start("script", ["-qec", command, "/dev/null"], ("TERM", "dumb"), ("SHELL", "/bin/sh"));
        List<string> lines = [];
        while (lines is not [.., var link, ""] || !link.StartsWith("http://127.0.0.1:", StringComparison.Ordinal))
        {
            var line = await up.StandardOutput.ReadLineAsync();
            Assert.True(line is not null, string.Join('\n', lines));
            lines.Add(line.TrimEnd('\r'));
        }

        // Ctrl-C on a terminal.
        await up.StandardInput.WriteAsync('\u0003');
        await up.StandardInput.FlushAsync();
        await up.WaitForExitAsync();

        Assert.Matches(new Regex("^Hive [0-9.]+ is running"), lines[^6]);
        Assert.Equal(("", ""), (lines[^7], lines[^3]));
        // The screen has no log: a file has it, with every connection.
        Assert.Matches($"^Agents: .*manager.*Log: {folder}/data/logs/host.log$", lines[^5]);
        Assert.DoesNotContain(lines, line => line.Contains("info: ", StringComparison.Ordinal));
        Assert.Contains(
            "info: hive-host[",
            await File.ReadAllTextAsync($"{folder}/data/logs/host.log"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_terminal_shows_what_happens_to_agents_and_what_goes_wrong()
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
        using var output = new StringWriter();
        using (var news = new News(output, clock, Timeout.InfiniteTimeSpan))
        {
            news.CreateLogger("Hive.Features.Containers").Log(LogLevel.Information, "alice started");
            news.CreateLogger("Hive.Common.Doors").Log(LogLevel.Information, "host.sock: connection 1 by pid 1");
            news.CreateLogger("Hive.Common.Doors")
                .Log(LogLevel.Warning, new IOException("it broke\u001b[2J\u202e\nin two"), "no");
            news.CreateLogger("Hive.Features.Containers").Log(LogLevel.Debug, "detail");
        }

        var lines = output.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Matches("^[0-9:]{8}  alice started$", lines[0]);
        Assert.Matches(@"^[0-9:]{8}  ! no: it broke\u241b\[2J⟨U\+202E⟩$", lines[1]);
        Assert.Equal("          in two", lines[2]);
    }

    [Fact]
    public async Task A_terminal_that_does_not_read_holds_up_nobody_who_logs()
    {
        using var output = new HeldWriter();
        using (var news = new News(output, TimeProvider.System, Timeout.InfiniteTimeSpan))
        {
            var log = news.CreateLogger("Hive.Features.Containers");
            log.Log(LogLevel.Information, "first");
            await output.Entered;
            for (var i = 0; i < News.Backlog + 7; i++)
                log.Log(LogLevel.Information, "more");
            output.Release();
        }

        var lines = output.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(1 + News.Backlog + 1, lines.Length);
        Assert.All(lines[1..^1], line => Assert.EndsWith("  more", line, StringComparison.Ordinal));
        Assert.Equal("… 7 lines were not shown; the log has them", lines[^1]);
    }

    [Fact]
    public void The_hosts_log_is_bounded()
    {
        using (var log = new HostLog(Paths(), TimeProvider.System, mostBytes: 100))
        {
            for (var i = 0; i < 5; i++)
                log.CreateLogger("any").Log(LogLevel.Information, "a line\nof two");
        }

        var logs = Directory.GetFiles($"{folder}/data/logs").Order().ToArray();
        Assert.Equal([$"{folder}/data/logs/host.log", $"{folder}/data/logs/host.log.1"], logs);
        Assert.All(logs, path => Assert.InRange(new FileInfo(path).Length, 1, 200));
        Assert.Contains("info: any[0] a line of two", File.ReadAllText(logs[0]), StringComparison.Ordinal);
    }

    private HivePaths Paths() => HivePaths.Find($"{folder}/data", $"{folder}/run");

    // Its first line waits, as one does on a terminal after Ctrl-S.
    private sealed class HeldWriter : StringWriter
    {
        private readonly TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HeldWriter() => NewLine = "\n";

        public Task Entered => entered.Task;

        public void Release() => released.SetResult();

        public override void WriteLine(string? value)
        {
            entered.TrySetResult();
            released.Task.Wait();
            base.WriteLine(value);
        }
    }
}
