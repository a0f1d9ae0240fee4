using System.Globalization;
using Hive.Protocol;

namespace Hive.Host;

/// <summary>
/// Writes a short line to the operator's terminal for what happens to agents and for what goes wrong; everything else
/// is in the log.
/// </summary>
internal sealed class News(TextWriter output, TimeProvider clock) : ILoggerProvider
{
    // The slices' own lines only: a connection of every command is not worth a line.
    private const string Slices = "Hive.Features.";

    private readonly Lock gate = new();

    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc />
    public void Dispose() { }

    private void Write(LogLevel level, string text)
    {
        var time = clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        // A text may quote an agent's output, whose escape sequences must not reach the terminal.
        var lines = text.ReplaceLineEndings("\n").Split('\n').Select(VisibleText.OneLine);
        lock (gate)
            output.WriteLine($"{time}  {(level >= LogLevel.Warning ? "! " : "")}{string.Join("\n          ", lines)}");
    }

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
                news.Write(
                    logLevel,
                    exception is null
                        ? formatter(state, exception)
                        : $"{formatter(state, exception)}: {exception.Message}"
                );
        }
    }
}
