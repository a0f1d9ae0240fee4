namespace Hive.Host;

/// <summary>Waits until nothing has been logged for a while, so that the lines printed then stay visible.</summary>
internal sealed class QuietLog(TimeProvider clock) : ILoggerProvider, ILogger
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private long last = clock.GetTimestamp();

    /// <summary>Completes after a second without a log line, or after ten seconds in any case.</summary>
    public async Task Wait(CancellationToken ct)
    {
        var begun = clock.GetTimestamp();
        while (true)
        {
            var quiet = clock.GetElapsedTime(Math.Max(begun, Volatile.Read(ref last)));
            var left = Longest - clock.GetElapsedTime(begun);
            if (quiet >= Quiet || left <= TimeSpan.Zero)
                return;
            await Task.Delay(Quiet - quiet < left ? Quiet - quiet : left, clock, ct);
        }
    }

    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc />
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc />
    public bool IsEnabled(LogLevel logLevel) => true;

    /// <inheritdoc />
    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => Volatile.Write(ref last, clock.GetTimestamp());

    /// <inheritdoc />
    public void Dispose() { }
}
