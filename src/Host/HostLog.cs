using Hive.Protocol;

namespace Hive.Host;

/// <summary>
/// Keeps the host's log in <c>logs/host.log</c> of the data folder while a person reads the terminal. At 10 MiB it
/// becomes <c>host.log.1</c>. No agent can be named <c>host</c>.
/// </summary>
internal sealed class HostLog(HivePaths paths, TimeProvider clock, long mostBytes = HostLog.MostBytes) : ILoggerProvider
{
    private const long MostBytes = 10 << 20;

    private readonly Lock gate = new();
    private readonly TimeProvider clock = clock;
    private readonly string path = PathIn(paths);
    private StreamWriter? file;

    /// <summary>The log's path.</summary>
    public static string PathIn(HivePaths paths) => Path.Combine(paths.DataDir, "logs", "host.log");

    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc />
    public void Dispose()
    {
        lock (gate)
            Close();
    }

    // Buffered lines cannot be written to a full disk either.
    private void Close()
    {
        try
        {
            file?.Dispose();
        }
        catch (IOException)
        {
            // The descriptor is closed all the same.
        }

        file = null;
    }

    private void Write(string line)
    {
        lock (gate)
        {
            try
            {
                if (file?.BaseStream.Length >= mostBytes)
                {
                    Close();
                    File.Move(path, $"{path}.1", overwrite: true);
                }

                file ??= Open();
                file.WriteLine(line);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A full disk must not end what is logged; the next line opens the file again.
                Close();
            }
        }
    }

    private StreamWriter Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, HiveApp.DataMode);
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        return new StreamWriter(path, options) { AutoFlush = true };
    }

    private sealed class Category(HostLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            log.Write(
                LogLine.Of(log.clock.GetUtcNow(), logLevel, name, eventId, formatter(state, exception), exception)
            );
        }
    }
}
