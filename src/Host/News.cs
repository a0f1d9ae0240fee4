using System.Globalization;
using System.Threading.Channels;
using Hive.Protocol;

namespace Hive.Host;

/// <summary>
/// Writes a short line to the operator's terminal for what happens to agents and for what goes wrong; everything else
/// is in the log. A terminal that does not read (Ctrl-S, a suspended ssh session) holds up only the task that writes:
/// lines for which the queue has no room are counted, and the terminal shows the count.
/// </summary>
internal sealed class News : ILoggerProvider
{
    /// <summary>The most lines that wait for the terminal.</summary>
    internal const int Backlog = 1000;

    // The slices' own lines only: a connection of every command is not worth a line.
    private const string Slices = "Hive.Features.";

    // A terminal that still does not read is not worth a longer wait at the end.
    private static readonly TimeSpan UsualLastWait = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Channel<Entry> entries = Channel.CreateBounded<Entry>(
        new BoundedChannelOptions(Backlog) { SingleReader = true }
    );
    private readonly TextWriter output;
    private readonly TimeProvider clock;
    private readonly TimeSpan lastWait;
    private readonly Task writing;
    private int dropped;

    /// <param name="output">The terminal.</param>
    /// <param name="clock">Times of the lines.</param>
    /// <param name="lastWait">How long <see cref="Dispose"/> waits for the terminal; a second by default.</param>
    public News(TextWriter output, TimeProvider clock, TimeSpan? lastWait = null)
    {
        (this.output, this.clock, this.lastWait) = (output, clock, lastWait ?? UsualLastWait);
        // On a thread of its own, which the terminal may block.
        writing = Task.Factory.StartNew(
            WriteAll,
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
    }

    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc />
    public void Dispose()
    {
        entries.Writer.TryComplete();
        writing.Wait(lastWait);
    }

    /// <summary>Writes a text of the host itself, after the lines before it.</summary>
    public void Say(string text)
    {
        lock (gate)
            dropped = entries.Writer.TryWrite(new Entry(text, dropped)) ? 0 : dropped + 1;
    }

    private void Add(LogLevel level, string text)
    {
        var time = clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        // A text may quote an agent's output, whose escape sequences must not reach the terminal.
        var lines = text.ReplaceLineEndings("\n").Split('\n').Select(VisibleText.OneLine);
        Say($"{time}  {(level >= LogLevel.Warning ? "! " : "")}{string.Join("\n          ", lines)}");
    }

    private void WriteAll()
    {
        try
        {
            while (entries.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (entries.Reader.TryRead(out var entry))
                {
                    WriteDropped(entry.DroppedBefore);
                    output.WriteLine(entry.Text);
                }

                int left;
                lock (gate)
                    (left, dropped) = (dropped, 0);
                WriteDropped(left);
            }
        }
        catch (IOException)
        {
            // The terminal is gone; the log has every line.
        }
    }

    private void WriteDropped(int count)
    {
        if (count > 0)
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"… {count} {(count == 1 ? "line was" : "lines were")} not shown; the log has them"
                )
            );
    }

    // A line, and the number of lines that were dropped between the one before and this one.
    private readonly record struct Entry(string Text, int DroppedBefore);

    private sealed class Category(News news, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) =>
            logLevel >= LogLevel.Warning
            || (logLevel == LogLevel.Information && name.StartsWith(Slices, StringComparison.Ordinal));

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (IsEnabled(logLevel))
                news.Add(
                    logLevel,
                    exception is null
                        ? formatter(state, exception)
                        : $"{formatter(state, exception)}: {exception.Message}"
                );
        }
    }
}
