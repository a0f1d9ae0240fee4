using System.Text.RegularExpressions;
using Hive.Host;
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
        var folders = $"--data-dir {folder}/data --run-dir {folder}/run";
        var command = $"exec {Built.Command} up {folders} --urls http://127.0.0.1:0 --runtime external";
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

        Assert.Matches(new Regex("^Hive [0-9.]+ is running"), lines[^5]);
        Assert.Equal(("", ""), (lines[^6], lines[^3]));
    }

    [Fact]
    public async Task The_link_waits_for_a_quiet_log_but_not_for_ever()
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
        using var quiet = new QuietLog(clock);
        var log = quiet.CreateLogger("any");

        var waiting = quiet.Wait(CancellationToken.None);
        for (var i = 0; i < 3; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(0.9));
            log.Log(LogLevel.Information, "alice connected");
        }

        clock.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(waiting.IsCompleted);
        // The waiting task sets its next timer on another thread.
        while (!waiting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(0.2));
            await Task.Yield();
        }

        var noisy = quiet.Wait(CancellationToken.None);
        while (!noisy.IsCompleted)
        {
            log.Log(LogLevel.Information, "alice connected");
            clock.Advance(TimeSpan.FromSeconds(0.5));
            await Task.Yield();
        }
    }
}
