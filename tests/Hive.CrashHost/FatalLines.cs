using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Hive.CrashHost;

/// <summary>Kills this process at the N-th log line of the categories with that prefix.</summary>
internal sealed class FatalLines(string category, int number) : ILoggerProvider
{
    private volatile Target target = new(category, number);

    /// <summary>Counts to the N-th line from now on.</summary>
    public void Arm(string next, int at) => target = new Target(next, at);

    public ILogger CreateLogger(string categoryName) => new Lines(this, categoryName);

    public void Dispose() { }

    private sealed class Target(string category, int number)
    {
        private int seen;

        public bool Counts(string name) => name.StartsWith(category, StringComparison.Ordinal);

        public bool IsLast() => Interlocked.Increment(ref seen) == number;
    }

    private sealed class Lines(FatalLines owner, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Debug && owner.target.Counts(name);

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (
                logLevel != LogLevel.Debug
                || owner.target is not { } target
                || !target.Counts(name)
                || !target.IsLast()
            )
                return;
            Process.GetCurrentProcess().Kill();
            // No further step runs.
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
