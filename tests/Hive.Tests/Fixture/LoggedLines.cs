using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Fixture;

/// <summary>The log lines of a host from now on.</summary>
public sealed class LoggedLines : ILoggerProvider, ILogger
{
    private readonly Channel<string> lines = Channel.CreateUnbounded<string>();

    /// <summary>The next line that contains a text; others are skipped.</summary>
    public async Task<string> Next(string text)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var line = await lines.Reader.ReadAsync(patience.Token);
            if (line.Contains(text, StringComparison.Ordinal))
                return line;
        }
    }

    /// <summary>The lines since the last call.</summary>
    public string[] Taken()
    {
        List<string> taken = [];
        while (lines.Reader.TryRead(out var line))
            taken.Add(line);
        return [.. taken];
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => lines.Writer.TryWrite($"{formatter(state, exception)} {exception?.Message}");

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Dispose() => lines.Writer.TryComplete();
}
