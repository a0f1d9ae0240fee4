using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Hive.CrashHost;

/// <summary>Ends this process without any warning at the N-th line of the categories that begin so.</summary>
internal sealed class FatalLines(string category, int number) : ILoggerProvider
{
    private int seen;

    public ILogger CreateLogger(string categoryName) => new Lines(categoryName.StartsWith(category, StringComparison.Ordinal) ? this : null);

    public void Dispose()
    {
    }

    private void Line()
    {
        if (Interlocked.Increment(ref seen) == number)
        {
            Process.GetCurrentProcess().Kill();
            // Not one step further.
            Thread.Sleep(Timeout.Infinite);
        }
    }

    private sealed class Lines(FatalLines? owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => owner is not null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Debug)
                owner?.Line();
        }
    }
}
