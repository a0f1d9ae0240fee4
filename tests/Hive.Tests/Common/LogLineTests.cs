using Hive.Host;
using Hive.Tests.Fixture;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hive.Tests.Common;

public sealed class LogLineTests
{
    [Fact]
    public void A_text_cannot_begin_a_line_or_hide_what_it_says_on_the_console()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var hostile = "a\n1970-01-01T00:00:00.000Z info: Hive[1] signed in\u001b[2J\u202eb\u200b";
        var entry = new LogEntry<string>(
            LogLevel.Warning,
            "Hive.Door",
            new EventId(7),
            hostile,
            new IOException("c\rd"),
            (state, _) => state
        );
        using var output = new StringWriter();
        new LogLine.Formatter(clock).Write(entry, null, output);
        var line = output.ToString();
        Assert.StartsWith("1970-01-01T00:00:00.000Z warn: Hive.Door[7] a 1970", line, StringComparison.Ordinal);
        Assert.EndsWith("signed in␛[2J⟨U+202E⟩b⟨U+200B⟩ System.IO.IOException: c d\n", line, StringComparison.Ordinal);
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
    }
}
