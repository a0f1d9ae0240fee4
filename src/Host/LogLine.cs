using System.Globalization;
using Hive.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Hive.Host;

/// <summary>The form of a line of the host's log: time in UTC, level, category with the event's number, text. A text
/// may quote an agent or a peer, so control and hidden characters are written out.</summary>
internal static class LogLine
{
    /// <summary>One line without its end.</summary>
    public static string Of(
        DateTimeOffset now,
        LogLevel logLevel,
        string category,
        EventId eventId,
        string text,
        Exception? error
    )
    {
        var level = logLevel switch
        {
            LogLevel.Trace => "trce",
            LogLevel.Debug => "dbug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error => "fail",
            _ => "crit",
        };
        var whole = VisibleText.OneLine($"{text} {error}".TrimEnd().ReplaceLineEndings(" "));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{now:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {level}: {category}[{eventId.Id}] {whole}"
        );
    }

    /// <summary>Writes such lines to standard output.</summary>
    internal sealed class Formatter(TimeProvider clock) : ConsoleFormatter(Name)
    {
        public new const string Name = "hive";

        public override void Write<TState>(
            in LogEntry<TState> entry,
            IExternalScopeProvider? scopeProvider,
            TextWriter textWriter
        ) =>
            textWriter.WriteLine(
                Of(
                    clock.GetUtcNow(),
                    entry.LogLevel,
                    entry.Category,
                    entry.EventId,
                    entry.Formatter(entry.State, entry.Exception),
                    entry.Exception
                )
            );
    }

    /// <summary>The formatter has no options.</summary>
    internal sealed class Options : ConsoleFormatterOptions;
}
