using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Hive.CrashHost;

/// <summary>Ends this process without any warning at the N-th line of the categories that begin so.</summary>
internal sealed class FatalLines(string category, int number) : ILoggerProvider
{
    private volatile Target target = new(category, number);

    /// <summary>From now on it is the N-th line of these.</summary>
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
            // Not one step further.
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
